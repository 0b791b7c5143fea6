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
        ).rules
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
        let rules = try RulesFile.parse("- {name: a, type: model.rejected, severity: info}").rules
        #expect(
            rules == [AlertRule("a", on: "model.rejected", .info, title: "model.rejected: {about}")]
        )
    }

    @Test(
        "is refused with line, key and way out",
        arguments: [
            ("3", "the rules file, or a list of rules, with the keys sinks, rules, wait, repeat"),
            ("rules: 3", "rules: a list of rules is expected"),
            ("[]", "a list of rules is expected"),
            ("name: a", "name: no such key; allowed are sinks, rules, wait, repeat"),
            ("wait: 10", "wait: '10' must be a number with a unit"),
            ("repeat: 1s", "repeat: at least 1m is expected, or never"),
            ("inhibit: {when: a}", "inhibit: a list is expected"),
            ("inhibit: [{when: gone, mute: [model-refused]}]", "inhibit[0].when: 'gone' must be one of the rules"),
            ("inhibit: [{when: model-refused, mute: [model-refused]}]", "inhibit[0].mute: one or more rules other"),
            ("silences: [{rules: [model-refused]}]", "silences[0].until: is missing"),
            ("silences: [{until: tomorrow}]", "silences[0].until: 'tomorrow' must be a time such as"),
            ("silences: [{from: 2026-12-24, until: 2026-12-24}]", "silences[0].until: a time after 'from'"),
            ("quiet-hours: {from: 22:00}", "quiet-hours.to: is missing"),
            ("quiet-hours: {from: 24:00, to: 07:00}", "quiet-hours.from: '24:00' must be a time such as"),
            ("quiet-hours: {from: 07:00, to: 07:00}", "quiet-hours.to: another time than 'from'"),
            ("quiet-hours: {from: 22:00, to: 07:00, offset: 01:00}", "quiet-hours.offset: '01:00' must be"),
            ("quiet-hours: {from: 22:00, to: 07:00, except: high}", "quiet-hours.except: 'high' must be one of"),
            ("escalate: {severity: info}", "escalate.after: is missing"),
            ("escalate: {after: 1h, sinks: [mail]}", "escalate.sinks: 'mail' must be one of log, webhook"),
            (
                "- {name: a, type: decay.detected, severity: info, causes: [weather]}",
                "[0].causes: 'weather' must be one of"
            ),
            ("- {name: a, type: decay.detected, severity: info, after: soon}", "[0].after: 'soon' must be a number"),
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

    @Test("is the built-in rules when it is empty", arguments: ["", "# nothing yet\n", "---\n"])
    func empty(yaml: String) throws { #expect(try RulesFile.parse(yaml) == RulesFile()) }

    @Test("says when people are told")
    func policy() throws {
        let file = try RulesFile.parse(
            """
            wait: 1m
            repeat: never
            inhibit:
              - {when: model-refused, mute: [model-rejected]}
            silences:
              - {rules: [decay-detected], pipelines: [oil-*], from: 2026-12-24, until: "2026-12-27T00:00:00+01:00"}
            quiet-hours: {from: 22:00, to: "07:30", offset: "-01:30", except: warning}
            escalate: {after: 30m, severity: warning, sinks: [log]}
            """
        )
        #expect(file.rules == AlertRule.builtIn)
        var policy = TellingPolicy()
        policy.wait = .seconds(60)
        policy.repeat = nil
        policy.inhibitions = [.init(when: "model-refused", mute: ["model-rejected"])]
        policy.silences = [
            .init(
                rules: ["decay-detected"],
                pipelines: ["oil-*"],
                from: Timestamp(rfc3339: "2026-12-24"),
                until: try #require(Timestamp(rfc3339: "2026-12-26T23:00:00Z"))
            )
        ]
        policy.quietHours = .init(from: 1_320, to: 450, offset: -90, except: .warning)
        policy.escalation = .init(after: .seconds(1_800), severity: .warning, sinks: [.log])
        #expect(file.policy == policy)
    }

    @Test("gives a rule its pipelines, causes and age")
    func filters() throws {
        let rule = try #require(
            try RulesFile.parse(
                """
                rules:
                  - {name: a, type: decay.detected, severity: info, pipelines: [oil*], causes: [concept], after: 10m}
                """
            ).rules.first
        )
        #expect(rule.pipelines == ["oil*"])
        #expect(rule.causes == ["concept"])
        #expect(rule.after == .seconds(600))
    }

    @Test("may name what the built-in rules name, and each of those has its own name")
    func builtIn() {
        #expect(Set(AlertRule.builtIn.map(\.name)).count == AlertRule.builtIn.count)
        let names = Set(AlertRule.builtIn.map(\.name))
        for one in TellingPolicy.builtInInhibitions { #expect(names.isSuperset(of: one.mute.union([one.when]))) }
        for rule in AlertRule.builtIn {
            #expect(WatchedEvent.types.isSuperset(of: rule.resolveBy.union([rule.type])), "\(rule.name)")
            #expect(!rule.resolveBy.contains(rule.type), "\(rule.name)")
        }
    }

    @Test("sets up sinks of every kind, with secrets from the environment and from files")
    func sinks() throws {
        let file = try RulesFile.parse(
            """
            sinks:
              hook: {kind: webhook, url: https://a/b, secret: $SECRET, timeout: 2s, attempts: 3}
              chat: {kind: slack, url: $CHAT}
              pager: {kind: pagerduty, key: abc}
              prometheus: {kind: alertmanager, url: http://am:9093/}
              mail: {kind: smtp, host: mail.example.org, user: u, password: $SECRET, from: a@b.c, to: [d@e.f, g@h.i]}
            rules:
              - {name: a, type: model.rejected, severity: info, ends-after: 2h, sinks: [mail, log]}
            escalate: {after: 30m}
            """,
            secrets: .init(environment: ["SECRET": "s", "CHAT": "https://hooks/x"])
        )
        #expect(file.sinks["hook"]?.kind == .webhook(url: "https://a/b", secret: "s"))
        #expect(file.sinks["hook"]?.timeout == .seconds(2) && file.sinks["hook"]?.attempts == 3)
        #expect(file.sinks["chat"]?.kind == .slack(url: "https://hooks/x"))
        #expect(file.sinks["pager"]?.kind == .pagerDuty(url: RulesFile.pagerDutyURL, key: "abc"))
        #expect(file.sinks["prometheus"]?.kind == .alertmanager(url: "http://am:9093"))
        let mail = MailSettings(
            host: "mail.example.org",
            port: 587,
            security: .starttls,
            login: .init(user: "u", password: "s"),
            from: "a@b.c",
            to: ["d@e.f", "g@h.i"]
        )
        #expect(file.sinks["mail"]?.kind == .mail(mail))
        #expect(file.rules.first?.sinks == ["mail", "log"] && file.rules.first?.endsAfter == .seconds(7_200))
        #expect(file.policy.escalation?.sinks.contains("pager") == true)
    }

    @Test(
        "refuses a sink that is not whole by key and way out",
        arguments: [
            ("{a: {kind: fax}}", "sinks.a.kind: one of webhook, slack"),
            ("{log: {kind: slack, url: http://x}}", "log already"),
            ("{a: {kind: webhook, url: ftp://x}}", "must begin with http"),
            ("{a: {kind: slack}}", "sinks.a.url: is missing"),
            ("{a: {kind: slack, url: $NOWHERE}}", "$NAME for the environment"),
            ("{a: {kind: slack, url: file:/nowhere}}", "file:<path>"),
            ("{a: {kind: slack, url: http://x, secret: y}}", "no such key"),
            ("{a: {kind: smtp, host: h, from: a, to: [b@c]}}", "'a' is no address"),
            ("{a: {kind: smtp, host: h, from: a@b, to: []}}", "1 to 100 addresses"),
            ("{a: {kind: smtp, host: h, from: a@b, to: ['x@y>\\r\\nRCPT']}}", "is no address"),
            ("{a: {kind: smtp, host: h, security: none, user: u, password: p, from: a@b, to: [c@d]}}", "over TLS only"),
            ("{a: {kind: slack, url: http://x, timeout: 2h}}", "100ms to 1m"),
            ("{a: {kind: slack, url: http://x, attempts: 0}}", "from 1 to 100"),
            ("{A B: {kind: slack}}", "may only hold"),
        ]
    )
    func badSinks(_ text: String, _ words: String) {
        let error = #expect(throws: RulesError.self) {
            try RulesFile.parse("sinks: \(text)", secrets: .init(environment: [:]))
        }
        #expect(error?.description.contains(words) == true, "\(error?.description ?? "")")
    }
}
