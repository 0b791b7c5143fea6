/// Shifts and narrowing.
extension Catalogue {
    static func addShifts(_ table: inout OperationTable) {
        // Shift
        table.add("Vh_vasl_VhR", .vs, 60, Q6.Vh_vasl_VhR)
        table.add("Vw_vasl_VwR", .vs, 60, Q6.Vw_vasl_VwR)
        table.add("Vw_vaslacc_VwVwR", .vs, 60, Q6.Vw_vaslacc_VwVwR)
        table.add("Vh_vasr_VhR", .vs, 60, Q6.Vh_vasr_VhR)
        table.add("Vw_vasr_VwR", .vs, 60, Q6.Vw_vasr_VwR)
        table.add("Vw_vasracc_VwVwR", .vs, 60, Q6.Vw_vasracc_VwVwR)
        table.add("Vuh_vlsr_VuhR", .vs, 60, Q6.Vuh_vlsr_VuhR)
        table.add("Vuw_vlsr_VuwR", .vs, 60, Q6.Vuw_vlsr_VuwR)
        table.add("Vub_vlsr_VubR", .vs, 62, Q6.Vub_vlsr_VubR)
        table.add("Vh_vaslacc_VhVhR", .vs, 65, Q6.Vh_vaslacc_VhVhR)
        table.add("Vh_vasracc_VhVhR", .vs, 65, Q6.Vh_vasracc_VhVhR)

        // ShiftByLane
        table.add("Vh_vasl_VhVh", .vs, 60, Q6.Vh_vasl_VhVh)
        table.add("Vw_vasl_VwVw", .vs, 60, Q6.Vw_vasl_VwVw)
        table.add("Vh_vasr_VhVh", .vs, 60, Q6.Vh_vasr_VhVh)
        table.add("Vw_vasr_VwVw", .vs, 60, Q6.Vw_vasr_VwVw)
        table.add("Vh_vlsr_VhVh", .vs, 60, Q6.Vh_vlsr_VhVh)
        table.add("Vw_vlsr_VwVw", .vs, 60, Q6.Vw_vlsr_VwVw)
        table.add("Ww_vasrinto_WwVwVw", .vpVs, 66, Q6.Ww_vasrinto_WwVwVw)
        table.add("Vuw_vrotr_VuwVuw", .vs, 66, Q6.Vuw_vrotr_VuwVuw)

        // ShiftNarrowing
        table.add("Vb_vasr_VhVhR_rnd_sat", .vs, 60, Q6.Vb_vasr_VhVhR_rnd_sat)
        table.add("Vub_vasr_VhVhR_rnd_sat", .vs, 60, Q6.Vub_vasr_VhVhR_rnd_sat)
        table.add("Vub_vasr_VhVhR_sat", .vs, 60, Q6.Vub_vasr_VhVhR_sat)
        table.add("Vh_vasr_VwVwR", .vs, 60, Q6.Vh_vasr_VwVwR)
        table.add("Vh_vasr_VwVwR_rnd_sat", .vs, 60, Q6.Vh_vasr_VwVwR_rnd_sat)
        table.add("Vh_vasr_VwVwR_sat", .vs, 60, Q6.Vh_vasr_VwVwR_sat)
        table.add("Vuh_vasr_VwVwR_sat", .vs, 60, Q6.Vuh_vasr_VwVwR_sat)
        table.add("Vb_vasr_VhVhR_sat", .vs, 62, Q6.Vb_vasr_VhVhR_sat)
        table.add("Vuh_vasr_VuwVuwR_rnd_sat", .vs, 62, Q6.Vuh_vasr_VuwVuwR_rnd_sat)
        table.add("Vuh_vasr_VwVwR_rnd_sat", .vs, 62, Q6.Vuh_vasr_VwVwR_rnd_sat)
        table.add("Vub_vasr_VuhVuhR_rnd_sat", .vs, 65, Q6.Vub_vasr_VuhVuhR_rnd_sat)
        table.add("Vub_vasr_VuhVuhR_sat", .vs, 65, Q6.Vub_vasr_VuhVuhR_sat)
        table.add("Vuh_vasr_VuwVuwR_sat", .vs, 65, Q6.Vuh_vasr_VuwVuwR_sat)
        table.add("Vub_vasr_WuhVub_rnd_sat", .vs, 69, Q6.Vub_vasr_WuhVub_rnd_sat)
        table.add("Vub_vasr_WuhVub_sat", .vs, 69, Q6.Vub_vasr_WuhVub_sat)
        table.add("Vuh_vasr_WwVuh_rnd_sat", .vs, 69, Q6.Vuh_vasr_WwVuh_rnd_sat)
        table.add("Vuh_vasr_WwVuh_sat", .vs, 69, Q6.Vuh_vasr_WwVuh_sat)

        // Round
        table.add("Vb_vround_VhVh_sat", .vs, 60, Q6.Vb_vround_VhVh_sat)
        table.add("Vub_vround_VhVh_sat", .vs, 60, Q6.Vub_vround_VhVh_sat)
        table.add("Vh_vround_VwVw_sat", .vs, 60, Q6.Vh_vround_VwVw_sat)
        table.add("Vuh_vround_VwVw_sat", .vs, 60, Q6.Vuh_vround_VwVw_sat)
        table.add("Vub_vsat_VhVh", .va, 60, Q6.Vub_vsat_VhVh)
        table.add("Vh_vsat_VwVw", .va, 60, Q6.Vh_vsat_VwVw)
        table.add("Vub_vround_VuhVuh_sat", .vs, 62, Q6.Vub_vround_VuhVuh_sat)
        table.add("Vuh_vround_VuwVuw_sat", .vs, 62, Q6.Vuh_vround_VuwVuw_sat)
        table.add("Vuh_vsat_VuwVuw", .va, 62, Q6.Vuh_vsat_VuwVuw)
        table.add("Vw_vsatdw_VwVw", .va, 66, Q6.Vw_vsatdw_VwVw)
    }
}
