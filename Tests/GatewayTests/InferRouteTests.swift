import Bus
import Events
import HTTPTypes
import Testing

@testable import GatewayApp

@Suite("Questions over HTTP")
struct InferRouteTests {
    @Test("have the path of a pipeline, and no other")
    func paths() {
        #expect(GatewayResponder.Route(path: "/pipelines/oil-price/infer") == .infer(pipeline: "oil-price"))
        #expect(GatewayResponder.Route(path: "/pipelines/oil-price/infer/") == .infer(pipeline: "oil-price"))
        #expect(GatewayResponder.Route(path: "/events/") == .events)
        for path in [
            "", "/", "/pipelines", "/pipelines/infer", "/pipelines//infer", "/pipelines/Oil/infer",
            "/pipelines/a/infer/b", "/x/pipelines/a/infer", "/pipelines/a/b/infer", "//events",
        ] {
            #expect(GatewayResponder.Route(path: path) == nil, "\(path)")
        }
        #expect(GatewayResponder.Route(path: "/pipelines/a/infer")?.method == .post)
        #expect(GatewayResponder.Route(path: "/pipelines/a/infer")?.name == "infer", "one label for all pipelines")
    }

    @Test(
        "say by their status whose turn it is",
        arguments: [
            (ErrorCode.busy, 503), (.full, 503), (.rehello, 503), (.noModel, 503), (.timeout, 504), (.badShape, 422),
            (.unknownFeature, 422), (.missingFeature, 422), (.notFinite, 422), (.outOfSchema, 422), (.badData, 422),
            (.unknownPipeline, 404), (.tooLarge, 413), (.failed, 500), (.storage, 500),
        ]
    )
    func statuses(_ code: ErrorCode, _ status: Int) {
        let refusal = InferRoute.refusal(BusError(code, "why"))
        #expect(refusal.status == status && refusal.code == code.rawValue)
        #expect(code == .timeout || refusal.message.contains("why"))
    }

    @Test("are read with missing values, and refused with what a body looks like")
    func bodies() throws {
        let question = try InferRoute.question(Array(#"{"inputs": {"a": [1, null], "b": 2}, "key": "k"}"#.utf8))
        #expect(question.key == "k" && question.inputs["b"]?.elements == [2])
        #expect(question.inputs["a"]?.elements.first == 1 && question.inputs["a"]?.elements.last?.isNaN == true)
        for body in ["", "[]", #"{"key": "k"}"#, #"{"inputs": {"a": "x"}}"#] {
            let refusal = #expect(throws: GatewayApp.Refusal.self) { try InferRoute.question(Array(body.utf8)) }
            #expect(refusal?.status == 400 && refusal?.message.contains("inputs") == true, "\(body)")
        }
    }
}
