/// Lanes that move: packs, permutations, tables, splats.
extension Catalogue {
    static func addMoves(_ table: inout OperationTable) {
        // Pack
        table.add("Vb_vpacke_VhVh", .vp, 60, Q6.Vb_vpacke_VhVh)
        table.add("Vh_vpacke_VwVw", .vp, 60, Q6.Vh_vpacke_VwVw)
        table.add("Vb_vpack_VhVh_sat", .vp, 60, Q6.Vb_vpack_VhVh_sat)
        table.add("Vub_vpack_VhVh_sat", .vp, 60, Q6.Vub_vpack_VhVh_sat)
        table.add("Vb_vpacko_VhVh", .vp, 60, Q6.Vb_vpacko_VhVh)
        table.add("Vh_vpacko_VwVw", .vp, 60, Q6.Vh_vpacko_VwVw)
        table.add("Vh_vpack_VwVw_sat", .vp, 60, Q6.Vh_vpack_VwVw_sat)
        table.add("Vuh_vpack_VwVw_sat", .vp, 60, Q6.Vuh_vpack_VwVw_sat)
        table.add("Wh_vsxt_Vb", .vaDouble, 60, Q6.Wh_vsxt_Vb)
        table.add("Ww_vsxt_Vh", .vaDouble, 60, Q6.Ww_vsxt_Vh)
        table.add("Wh_vunpack_Vb", .vpVs, 60, Q6.Wh_vunpack_Vb)
        table.add("Ww_vunpack_Vh", .vpVs, 60, Q6.Ww_vunpack_Vh)
        table.add("Wh_vunpackoor_WhVb", .vpVs, 60, Q6.Wh_vunpackoor_WhVb)
        table.add("Ww_vunpackoor_WwVh", .vpVs, 60, Q6.Ww_vunpackoor_WwVh)
        table.add("Wuh_vunpack_Vub", .vpVs, 60, Q6.Wuh_vunpack_Vub)
        table.add("Wuw_vunpack_Vuh", .vpVs, 60, Q6.Wuw_vunpack_Vuh)
        table.add("Wuh_vzxt_Vub", .vaDouble, 60, Q6.Wuh_vzxt_Vub)
        table.add("Wuw_vzxt_Vuh", .vaDouble, 60, Q6.Wuw_vzxt_Vuh)

        // Permute
        table.add("V_valign_VVR", .vp, 60, Q6.V_valign_VVR)
        table.add("V_valign_VVI", .vp, 60, Q6.V_valign_VVI)
        table.add("Vb_vdeal_Vb", .vp, 60, Q6.Vb_vdeal_Vb)
        table.add("Vb_vdeale_VbVb", .vp, 60, Q6.Vb_vdeale_VbVb)
        table.add("Vh_vdeal_Vh", .vp, 60, Q6.Vh_vdeal_Vh)
        table.add("W_vdeal_VVR", .vpVs, 60, Q6.W_vdeal_VVR)
        table.add("V_vdelta_VV", .vp, 60, Q6.V_vdelta_VV)
        table.add("V_vlalign_VVR", .vp, 60, Q6.V_vlalign_VVR)
        table.add("V_vlalign_VVI", .vp, 60, Q6.V_vlalign_VVI)
        table.add("V_vrdelta_VV", .vp, 60, Q6.V_vrdelta_VV)
        table.add("V_vror_VR", .vp, 60, Q6.V_vror_VR)
        table.add("Vh_vshuffe_VhVh", .va, 60, Q6.Vh_vshuffe_VhVh)
        table.add("Vb_vshuff_Vb", .vp, 60, Q6.Vb_vshuff_Vb)
        table.add("Vb_vshuffe_VbVb", .va, 60, Q6.Vb_vshuffe_VbVb)
        table.add("Vh_vshuff_Vh", .vp, 60, Q6.Vh_vshuff_Vh)
        table.add("Vb_vshuffo_VbVb", .va, 60, Q6.Vb_vshuffo_VbVb)
        table.add("W_vshuff_VVR", .vpVs, 60, Q6.W_vshuff_VVR)
        table.add("Wb_vshuffoe_VbVb", .vaDouble, 60, Q6.Wb_vshuffoe_VbVb)
        table.add("Wh_vshuffoe_VhVh", .vaDouble, 60, Q6.Wh_vshuffoe_VhVh)
        table.add("Vh_vshuffo_VhVh", .va, 60, Q6.Vh_vshuffo_VhVh)

        // Lookup
        table.add("Vb_vlut32_VbVbR", .vp, 60, Q6.Vb_vlut32_VbVbR)
        table.add("Vb_vlut32or_VbVbVbR", .vpVs, 60, Q6.Vb_vlut32or_VbVbVbR)
        table.add("Wh_vlut16_VbVhR", .vpVs, 60, Q6.Wh_vlut16_VbVhR)
        table.add("Wh_vlut16or_WhVbVhR", .vpVs, 60, Q6.Wh_vlut16or_WhVbVhR)
        table.add("Vb_vlut32_VbVbR_nomatch", .vp, 62, Q6.Vb_vlut32_VbVbR_nomatch)
        table.add("Vb_vlut32or_VbVbVbI", .vpVs, 62, Q6.Vb_vlut32or_VbVbVbI)
        table.add("Vb_vlut32_VbVbI", .vp, 62, Q6.Vb_vlut32_VbVbI)
        table.add("Wh_vlut16_VbVhR_nomatch", .vpVs, 62, Q6.Wh_vlut16_VbVhR_nomatch)
        table.add("Wh_vlut16or_WhVbVhI", .vpVs, 62, Q6.Wh_vlut16or_WhVbVhI)
        table.add("Wh_vlut16_VbVhI", .vpVs, 62, Q6.Wh_vlut16_VbVhI)
        table.add("Vh_vlut4_VuhPh", .vxDouble, 65, slots: [2], Q6.Vh_vlut4_VuhPh)
        table.add("Vh_vmpa_VhVhVhPh_sat", .vxDouble, 65, slots: [2], Q6.Vh_vmpa_VhVhVhPh_sat)
        table.add("Vh_vmpa_VhVhVuhPuh_sat", .vxDouble, 65, slots: [2], Q6.Vh_vmpa_VhVhVuhPuh_sat)
        table.add("Vh_vmps_VhVhVuhPuh_sat", .vxDouble, 65, slots: [2], Q6.Vh_vmps_VhVhVuhPuh_sat)

        // Splat
        table.add("R_vextract_VR", .load, 60, Q6.R_vextract_VR)
        table.add("V_vsplat_R", .vxLate, 60, Q6.V_vsplat_R)
        table.add("Vw_vinsert_VwR", .vxLate, 60, Q6.Vw_vinsert_VwR)
        table.add("Vb_vsplat_R", .vxLate, 62, Q6.Vb_vsplat_R)
        table.add("Vh_vsplat_R", .vxLate, 62, Q6.Vh_vsplat_R)

        // Combine
        table.add("V_hi_W", .va, 60, Q6.V_hi_W)
        table.add("V_lo_W", .va, 60, Q6.V_lo_W)
        table.add("W_vcombine_VV", .vaDouble, 60, Q6.W_vcombine_VV)
    }
}
