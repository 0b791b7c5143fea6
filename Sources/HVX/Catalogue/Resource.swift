/// The units of the vector processor that an instruction keeps busy, as Qualcomm names the classes.
///
/// There are four: shift, permute and two that multiply. All four can do simple arithmetic.
public enum Resource: String, Sendable, CaseIterable {
    /// Any one unit.
    case va = "CVI_VA"
    /// Two units: both that multiply, or shift and permute.
    case vaDouble = "CVI_VA_DV"
    /// One unit that multiplies.
    case vx = "CVI_VX"
    /// One unit that multiplies; its scalar is read late.
    case vxLate = "CVI_VX_LATE"
    /// Both units that multiply.
    case vxDouble = "CVI_VX_DV"
    /// The permute unit.
    case vp = "CVI_VP"
    /// The shift unit.
    case vs = "CVI_VS"
    /// Permute and shift.
    case vpVs = "CVI_VP_VS"
    /// Memory, loads and stores.
    case vm = "CVI_VM"
    /// Memory, stores under a predicate.
    case vmStore = "CVI_VM_ST"
    /// Gather of one register of offsets.
    case gather = "CVI_GATHER"
    /// Gather of two registers of offsets.
    case gatherDouble = "CVI_GATHER_DV"
    /// Scatter of one register of offsets.
    case scatter = "CVI_SCATTER"
    /// Scatter of two registers of offsets.
    case scatterDouble = "CVI_SCATTER_DV"
    /// The scalar load path, to bring a word of a register to the scalar core.
    case load = "LD"

    /// How many units of each sort it takes.
    public var units: Units {
        switch self {
        case .va: Units(any: 1)
        case .vaDouble: Units(any: 2)
        case .vx, .vxLate: Units(multiply: 1)
        case .vxDouble: Units(multiply: 2)
        case .vp: Units(permute: 1)
        case .vs: Units(shift: 1)
        case .vpVs: Units(shift: 1, permute: 1)
        case .vm, .vmStore, .load: Units(memory: 1)
        case .gather, .scatter: Units(any: 1, memory: 1)
        case .gatherDouble, .scatterDouble: Units(any: 2, memory: 1)
        }
    }

    /// Counts of units.
    public struct Units: Sendable, Hashable {
        /// Units that multiply, of which a packet has 2.
        public var multiply = 0
        /// The shift unit, of which a packet has 1.
        public var shift = 0
        /// The permute unit, of which a packet has 1.
        public var permute = 0
        /// Units of any of those sorts, of which a packet has 4.
        public var any = 0
        /// Accesses to memory, of which a packet has 2.
        public var memory = 0
    }
}

/// The fewest packets that could issue some instructions: a lower bound of time, because it knows the units and the four
/// places of a packet but no dependency, no stall and no cache.
public struct PacketBound: Sendable, Hashable {
    /// Instructions in all.
    public private(set) var instructions = 0
    private var units = Resource.Units()

    /// No instructions.
    public init() {}

    /// Counts instructions of a class.
    ///
    /// - Precondition: `count` is not negative.
    public mutating func add(_ resource: Resource, count: Int = 1) {
        precondition(count >= 0, "a count of instructions is not negative")
        let one = resource.units
        instructions += count
        units.multiply += count * one.multiply
        units.shift += count * one.shift
        units.permute += count * one.permute
        units.any += count * one.any
        units.memory += count * one.memory
    }

    /// The fewest packets: four instructions in each, and no more of a unit than there are.
    public var packets: Int {
        let all = units.multiply + units.shift + units.permute + units.any
        return [
            (instructions + 3) / 4, (units.multiply + 1) / 2, units.shift, units.permute, (all + 3) / 4,
            (units.memory + 1) / 2,
        ].reduce(0, max)
    }
}
