import Events
import Testing

@testable import AlertApp

@Suite("The rules file")
struct RulesFileTests {
    @Test("gives rules with every key")
    func complete() throws {
        let rules = try RulesFile.parse(
            """
            - name: oil-decayed
              type: decay.detected
              severity: critical
              resolve-by: [decay.cleared, rollout.completed]
              sinks: [webhook]
              title: The champion of {about} has decayed
            """
        )
        let expected = AlertRule(
            "oil-decayed",
            on: "decay.detected",
            .critical,
            resolveBy: ["decay.cleared", "rollout.completed"],
            sinks: [.webhook],
            title: "The champion of {about} has decayed"
        )
        #expect(rules == [expected])
        #expect(expected.title(about: "oil") == "The champion of oil has decayed")
    }

    @Test("fills in sinks, title and no resolving event")
    func defaults() throws {
        let rules = try RulesFile.parse("- {name: a, type: model.rejected, severity: info}")
        #expect(
            rules == [AlertRule("a", on: "model.rejected", .info, title: "model.rejected: {about}")]
        )
    }

    @Test(
        "is refused with line, key and way out",
        arguments: [
            ("", "a list of rules"),
            ("name: a", "a list of rules"),
            ("- 1", "[0]: a rule with the keys name, type"),
            ("- {name: a, typ: decay.detected, severity: info}", "[0].typ: no such key; allowed are name, type"),
            ("- {type: decay.detected, severity: info}", "[0].name: is missing"),
            ("- {name: A b, type: decay.detected, severity: info}", "[0].name: 'A b' may only hold"),
            ("- {name: a, type: decay.gone, severity: info}", "[0].type: 'decay.gone' must be one of"),
            ("- {name: a, type: decay.detected, severity: high}", "'high' must be one of info, warning, critical"),
            ("- {name: a, type: decay.detected, severity: info, resolve-by: x}", "[0].resolve-by: a list"),
            ("- {name: a, type: decay.detected, severity: info, resolve-by: [x]}", "[0].resolve-by: 'x' must be"),
            (
                "- {name: a, type: decay.detected, severity: info, resolve-by: [decay.detected]}",
                "also raises the alert; name another event"
            ),
            ("- {name: a, type: decay.detected, severity: info, sinks: [mail]}", "'mail' must be one of log, webhook"),
            (
                "- {name: a, type: decay.detected, severity: info}\n- {name: a, type: decay.cleared, severity: info}",
                "line 2: [1].name: 'a' stands there twice"
            ),
            ("{", "not YAML"),
        ]
    )
    func refused(yaml: String, reason: String) {
        let error = #expect(throws: RulesError.self) { try RulesFile.parse(yaml) }
        #expect(error?.description.contains(reason) == true, "\(error?.description ?? "accepted")")
    }

    @Test("may name what the built-in rules name, and each of those has its own name")
    func builtIn() {
        #expect(Set(AlertRule.builtIn.map(\.name)).count == AlertRule.builtIn.count)
        for rule in AlertRule.builtIn {
            #expect(WatchedEvent.types.isSuperset(of: rule.resolveBy.union([rule.type])), "\(rule.name)")
            #expect(!rule.resolveBy.contains(rule.type), "\(rule.name)")
        }
    }
}
