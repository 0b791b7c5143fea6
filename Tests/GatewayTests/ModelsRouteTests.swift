import Events
import HTTPTypes
import Testing

@testable import GatewayApp

@Suite("Models over HTTP")
struct ModelsRouteTests {
    private let digest = String(repeating: "a", count: 64)

    @Test("have a path of their own, which takes a POST")
    func paths() {
        let route = GatewayResponder.Route(path: "/pipelines/oil-price/models")
        #expect(route == .models(pipeline: "oil-price") && route?.method == .post && route?.name == "models")
        #expect(GatewayResponder.Route(path: "/artifacts") == .artifacts)
        #expect(GatewayResponder.Route(path: "/artifacts")?.method == .post)
        for path in ["/pipelines/models", "/pipelines/Oil/models", "/pipelines/a/models/b", "/artifacts/a"] {
            #expect(GatewayResponder.Route(path: path) == nil, "\(path)")
        }
    }

    @Test("are described by parameters, each with something to fall back on")
    func parameters() throws {
        let bare = try ModelsRoute.event("press", [])
        #expect(bare.pipeline == "press" && bare.name == "offered" && bare.by == "http" && bare.format == nil)
        let full = try ModelsRoute.event(
            "press",
            [
                ("name", "keras"), ("file", "press.tflite"), ("format", "tflite"), ("by", "ada"),
                ("reason", "new tool"),
                ("calibration", digest), ("labels", digest), ("inputs", "a:load,b:speed"),
            ]
        )
        #expect(full.format == .tflite && full.calibration == digest && full.inputs == ["a": "load", "b": "speed"])
    }

    @Test(
        "with a wrong parameter are refused by its name",
        arguments: [
            ("colour", "red", "there is no parameter 'colour'"), ("format", "keras", "onnx, tflite, container"),
            ("calibration", "rows.npy", "'calibration' is no digest"), ("inputs", "a", "<input of the model>"),
            ("name", "", "'name'"), ("reason", "two\nlines", "'reason'"),
        ]
    )
    func refusals(_ name: String, _ value: String, _ words: String) {
        let refusal = #expect(throws: GatewayApp.Refusal.self) { try ModelsRoute.event("press", [(name, value)]) }
        #expect(refusal?.status == 400 && refusal?.message.contains(words) == true, "\(refusal?.message ?? "")")
    }

    @Test("may not name labels without rows, or a parameter twice")
    func pairs() {
        for query in [[("labels", digest)], [("name", "a"), ("name", "b")]] {
            #expect(throws: GatewayApp.Refusal.self) { try ModelsRoute.event("press", query) }
        }
    }
}
