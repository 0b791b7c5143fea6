/// Makes one incident of the findings that belong together, so that a person is told once.
///
/// All findings of a table from the first one until a quiet stretch are one incident. It says something when it
/// begins, when it gets worse or a column joins whose finding could have begun it, and when it is over.
public struct QualityIncidents: Codable, Sendable, Hashable {
    /// One trouble with the data.
    public struct Incident: Codable, Sendable, Hashable {
        /// Row of its first finding.
        public var first: Int
        /// Row of its newest finding.
        public var last: Int
        /// Findings so far.
        public var count: Int
        /// The worst severity so far.
        public var severity: QualitySeverity
        /// What is wrong with which columns, in the order of their first findings.
        public var columns: [Column]

        /// A column of an incident.
        public struct Column: Codable, Sendable, Hashable {
            /// Name; empty for whole rows.
            public var name: String
            /// What is wrong with it.
            public var issues: Set<QualityIssue>
            /// The finding that is farthest off, or the first.
            public var example: QualityFinding
        }
    }

    /// What a row changed.
    public enum Signal: Codable, Sendable, Hashable {
        /// An incident began.
        case opened(Incident)
        /// It got worse, or another column joined.
        case grown(Incident)
        /// No finding for ``QualityIncidents/quiet`` rows.
        case closed(Incident)

        /// The incident of any signal.
        public var incident: Incident {
            switch self {
            case .opened(let incident), .grown(let incident), .closed(let incident): incident
            }
        }
    }

    /// Rows without a finding after which an incident is over.
    public let quiet: Int
    /// Findings less severe than this begin no incident, but are counted in one that is open.
    public let least: QualitySeverity
    /// The incident that is open.
    public private(set) var open: Incident?
    /// Rows so far.
    public private(set) var rows = 0

    /// Begins without rows.
    /// - Precondition: `quiet` is 1 or more.
    public init(quiet: Int = 256, least: QualitySeverity = .warning) {
        precondition(quiet >= 1, "no quiet stretch")
        self.quiet = quiet
        self.least = least
    }

    /// Takes all findings of the next row.
    public mutating func add(_ findings: [QualityFinding]) -> Signal? {
        let row = rows
        rows += 1
        guard var incident = open else {
            guard findings.contains(where: { $0.issue.severity >= least }) else { return nil }
            var incident = Incident(first: row, last: row, count: 0, severity: .note, columns: [])
            _ = note(findings, row, &incident)
            open = incident
            return .opened(incident)
        }
        guard !findings.isEmpty else {
            guard row - incident.last >= quiet else { return nil }
            open = nil
            return .closed(incident)
        }
        let hasGrown = note(findings, row, &incident)
        open = incident
        return hasGrown ? .grown(incident) : nil
    }

    private func note(_ findings: [QualityFinding], _ row: Int, _ incident: inout Incident) -> Bool {
        var hasGrown = false
        incident.last = row
        for finding in findings {
            incident.count += 1
            if finding.issue.severity > incident.severity {
                incident.severity = finding.issue.severity
                hasGrown = true
            }
            guard let place = incident.columns.firstIndex(where: { $0.name == finding.column }) else {
                incident.columns.append(
                    Incident.Column(name: finding.column, issues: [finding.issue], example: finding)
                )
                if finding.issue.severity >= least { hasGrown = true }
                continue
            }
            incident.columns[place].issues.insert(finding.issue)
            if abs(finding.amount ?? 0) > abs(incident.columns[place].example.amount ?? 0) {
                incident.columns[place].example = finding
            }
        }
        return hasGrown
    }
}
