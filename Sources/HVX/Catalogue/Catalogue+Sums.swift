/// Sums, differences, averages, distances, extremes.
extension Catalogue {
    static func addSums(_ table: inout OperationTable) {
        // AddSubtract
        table.add("Vb_vadd_VbVb", .va, 60, Q6.Vb_vadd_VbVb)
        table.add("Wb_vadd_WbWb", .vaDouble, 60, Q6.Wb_vadd_WbWb)
        table.add("Vh_vadd_VhVh", .va, 60, Q6.Vh_vadd_VhVh)
        table.add("Wh_vadd_WhWh", .vaDouble, 60, Q6.Wh_vadd_WhWh)
        table.add("Vw_vadd_VwVw", .va, 60, Q6.Vw_vadd_VwVw)
        table.add("Ww_vadd_WwWw", .vaDouble, 60, Q6.Ww_vadd_WwWw)
        table.add("Vb_vsub_VbVb", .va, 60, Q6.Vb_vsub_VbVb)
        table.add("Wb_vsub_WbWb", .vaDouble, 60, Q6.Wb_vsub_WbWb)
        table.add("Vh_vsub_VhVh", .va, 60, Q6.Vh_vsub_VhVh)
        table.add("Wh_vsub_WhWh", .vaDouble, 60, Q6.Wh_vsub_WhWh)
        table.add("Vw_vsub_VwVw", .va, 60, Q6.Vw_vsub_VwVw)
        table.add("Ww_vsub_WwWw", .vaDouble, 60, Q6.Ww_vsub_WwWw)

        // AddSubtractSaturating
        table.add("Vh_vadd_VhVh_sat", .va, 60, Q6.Vh_vadd_VhVh_sat)
        table.add("Wh_vadd_WhWh_sat", .vaDouble, 60, Q6.Wh_vadd_WhWh_sat)
        table.add("Vub_vadd_VubVub_sat", .va, 60, Q6.Vub_vadd_VubVub_sat)
        table.add("Wub_vadd_WubWub_sat", .vaDouble, 60, Q6.Wub_vadd_WubWub_sat)
        table.add("Vuh_vadd_VuhVuh_sat", .va, 60, Q6.Vuh_vadd_VuhVuh_sat)
        table.add("Wuh_vadd_WuhWuh_sat", .vaDouble, 60, Q6.Wuh_vadd_WuhWuh_sat)
        table.add("Vw_vadd_VwVw_sat", .va, 60, Q6.Vw_vadd_VwVw_sat)
        table.add("Ww_vadd_WwWw_sat", .vaDouble, 60, Q6.Ww_vadd_WwWw_sat)
        table.add("Vh_vsub_VhVh_sat", .va, 60, Q6.Vh_vsub_VhVh_sat)
        table.add("Wh_vsub_WhWh_sat", .vaDouble, 60, Q6.Wh_vsub_WhWh_sat)
        table.add("Vub_vsub_VubVub_sat", .va, 60, Q6.Vub_vsub_VubVub_sat)
        table.add("Wub_vsub_WubWub_sat", .vaDouble, 60, Q6.Wub_vsub_WubWub_sat)
        table.add("Vuh_vsub_VuhVuh_sat", .va, 60, Q6.Vuh_vsub_VuhVuh_sat)
        table.add("Wuh_vsub_WuhWuh_sat", .vaDouble, 60, Q6.Wuh_vsub_WuhWuh_sat)
        table.add("Vw_vsub_VwVw_sat", .va, 60, Q6.Vw_vsub_VwVw_sat)
        table.add("Ww_vsub_WwWw_sat", .vaDouble, 60, Q6.Ww_vsub_WwWw_sat)
        table.add("Vb_vadd_VbVb_sat", .va, 62, Q6.Vb_vadd_VbVb_sat)
        table.add("Wb_vadd_WbWb_sat", .vaDouble, 62, Q6.Wb_vadd_WbWb_sat)
        table.add("Vub_vadd_VubVb_sat", .va, 62, Q6.Vub_vadd_VubVb_sat)
        table.add("Vuw_vadd_VuwVuw_sat", .va, 62, Q6.Vuw_vadd_VuwVuw_sat)
        table.add("Wuw_vadd_WuwWuw_sat", .vaDouble, 62, Q6.Wuw_vadd_WuwWuw_sat)
        table.add("Vb_vsub_VbVb_sat", .va, 62, Q6.Vb_vsub_VbVb_sat)
        table.add("Wb_vsub_WbWb_sat", .vaDouble, 62, Q6.Wb_vsub_WbWb_sat)
        table.add("Vub_vsub_VubVb_sat", .va, 62, Q6.Vub_vsub_VubVb_sat)
        table.add("Vuw_vsub_VuwVuw_sat", .va, 62, Q6.Vuw_vsub_VuwVuw_sat)
        table.add("Wuw_vsub_WuwWuw_sat", .vaDouble, 62, Q6.Wuw_vsub_WuwWuw_sat)

        // AddSubtractWidening
        table.add("Ww_vadd_VhVh", .vxDouble, 60, Q6.Ww_vadd_VhVh)
        table.add("Wh_vadd_VubVub", .vxDouble, 60, Q6.Wh_vadd_VubVub)
        table.add("Ww_vadd_VuhVuh", .vxDouble, 60, Q6.Ww_vadd_VuhVuh)
        table.add("Ww_vsub_VhVh", .vxDouble, 60, Q6.Ww_vsub_VhVh)
        table.add("Wh_vsub_VubVub", .vxDouble, 60, Q6.Wh_vsub_VubVub)
        table.add("Ww_vsub_VuhVuh", .vxDouble, 60, Q6.Ww_vsub_VuhVuh)
        table.add("Ww_vaddacc_WwVhVh", .vxDouble, 62, Q6.Ww_vaddacc_WwVhVh)
        table.add("Wh_vaddacc_WhVubVub", .vxDouble, 62, Q6.Wh_vaddacc_WhVubVub)
        table.add("Ww_vaddacc_WwVuhVuh", .vxDouble, 62, Q6.Ww_vaddacc_WwVuhVuh)

        // Carry
        table.add("Vw_vadd_VwVwQ_carry", .va, 62) { (u: Vector, v: Vector, q: Predicate) in
            var carry = q
            let sum = Q6.Vw_vadd_VwVwQ_carry(u, v, &carry)
            return (sum, carry)
        }
        table.add("Vw_vsub_VwVwQ_carry", .va, 62) { (u: Vector, v: Vector, q: Predicate) in
            var carry = q
            let sum = Q6.Vw_vsub_VwVwQ_carry(u, v, &carry)
            return (sum, carry)
        }
        table.add("Vw_vadd_VwVwQ_carry_sat", .va, 66, Q6.Vw_vadd_VwVwQ_carry_sat)

        // Conditional
        table.add("Vb_condacc_QnVbVb", .va, 60, Q6.Vb_condacc_QnVbVb)
        table.add("Vb_condacc_QVbVb", .va, 60, Q6.Vb_condacc_QVbVb)
        table.add("Vh_condacc_QnVhVh", .va, 60, Q6.Vh_condacc_QnVhVh)
        table.add("Vh_condacc_QVhVh", .va, 60, Q6.Vh_condacc_QVhVh)
        table.add("Vw_condacc_QnVwVw", .va, 60, Q6.Vw_condacc_QnVwVw)
        table.add("Vw_condacc_QVwVw", .va, 60, Q6.Vw_condacc_QVwVw)
        table.add("Vb_condnac_QnVbVb", .va, 60, Q6.Vb_condnac_QnVbVb)
        table.add("Vb_condnac_QVbVb", .va, 60, Q6.Vb_condnac_QVbVb)
        table.add("Vh_condnac_QnVhVh", .va, 60, Q6.Vh_condnac_QnVhVh)
        table.add("Vh_condnac_QVhVh", .va, 60, Q6.Vh_condnac_QVhVh)
        table.add("Vw_condnac_QnVwVw", .va, 60, Q6.Vw_condnac_QnVwVw)
        table.add("Vw_condnac_QVwVw", .va, 60, Q6.Vw_condnac_QVwVw)

        // Average
        table.add("Vh_vavg_VhVh", .va, 60, Q6.Vh_vavg_VhVh)
        table.add("Vh_vavg_VhVh_rnd", .va, 60, Q6.Vh_vavg_VhVh_rnd)
        table.add("Vub_vavg_VubVub", .va, 60, Q6.Vub_vavg_VubVub)
        table.add("Vub_vavg_VubVub_rnd", .va, 60, Q6.Vub_vavg_VubVub_rnd)
        table.add("Vuh_vavg_VuhVuh", .va, 60, Q6.Vuh_vavg_VuhVuh)
        table.add("Vuh_vavg_VuhVuh_rnd", .va, 60, Q6.Vuh_vavg_VuhVuh_rnd)
        table.add("Vw_vavg_VwVw", .va, 60, Q6.Vw_vavg_VwVw)
        table.add("Vw_vavg_VwVw_rnd", .va, 60, Q6.Vw_vavg_VwVw_rnd)
        table.add("Vh_vnavg_VhVh", .va, 60, Q6.Vh_vnavg_VhVh)
        table.add("Vb_vnavg_VubVub", .va, 60, Q6.Vb_vnavg_VubVub)
        table.add("Vw_vnavg_VwVw", .va, 60, Q6.Vw_vnavg_VwVw)
        table.add("Vb_vavg_VbVb", .va, 65, Q6.Vb_vavg_VbVb)
        table.add("Vb_vavg_VbVb_rnd", .va, 65, Q6.Vb_vavg_VbVb_rnd)
        table.add("Vuw_vavg_VuwVuw", .va, 65, Q6.Vuw_vavg_VuwVuw)
        table.add("Vuw_vavg_VuwVuw_rnd", .va, 65, Q6.Vuw_vavg_VuwVuw_rnd)
        table.add("Vb_vnavg_VbVb", .va, 65, Q6.Vb_vnavg_VbVb)

        // Absolute
        table.add("Vuh_vabsdiff_VhVh", .vx, 60, Q6.Vuh_vabsdiff_VhVh)
        table.add("Vub_vabsdiff_VubVub", .vx, 60, Q6.Vub_vabsdiff_VubVub)
        table.add("Vuh_vabsdiff_VuhVuh", .vx, 60, Q6.Vuh_vabsdiff_VuhVuh)
        table.add("Vuw_vabsdiff_VwVw", .vx, 60, Q6.Vuw_vabsdiff_VwVw)
        table.add("Vh_vabs_Vh", .va, 60, Q6.Vh_vabs_Vh)
        table.add("Vh_vabs_Vh_sat", .va, 60, Q6.Vh_vabs_Vh_sat)
        table.add("Vw_vabs_Vw", .va, 60, Q6.Vw_vabs_Vw)
        table.add("Vw_vabs_Vw_sat", .va, 60, Q6.Vw_vabs_Vw_sat)
        table.add("Vb_vabs_Vb", .va, 65, Q6.Vb_vabs_Vb)
        table.add("Vb_vabs_Vb_sat", .va, 65, Q6.Vb_vabs_Vb_sat)

        // MinMax
        table.add("Vh_vmax_VhVh", .va, 60, Q6.Vh_vmax_VhVh)
        table.add("Vub_vmax_VubVub", .va, 60, Q6.Vub_vmax_VubVub)
        table.add("Vuh_vmax_VuhVuh", .va, 60, Q6.Vuh_vmax_VuhVuh)
        table.add("Vw_vmax_VwVw", .va, 60, Q6.Vw_vmax_VwVw)
        table.add("Vh_vmin_VhVh", .va, 60, Q6.Vh_vmin_VhVh)
        table.add("Vub_vmin_VubVub", .va, 60, Q6.Vub_vmin_VubVub)
        table.add("Vuh_vmin_VuhVuh", .va, 60, Q6.Vuh_vmin_VuhVuh)
        table.add("Vw_vmin_VwVw", .va, 60, Q6.Vw_vmin_VwVw)
        table.add("Vb_vmax_VbVb", .va, 62, Q6.Vb_vmax_VbVb)
        table.add("Vb_vmin_VbVb", .va, 62, Q6.Vb_vmin_VbVb)
    }
}
