import ModelContainer
import Testing

@Suite("A signature binds a digest to a key")
struct SignedEnvelopeTests {
    private let digest = String(repeating: "ab", count: 32)

    @Test("What a key signs, its public key verifies, also after JSON")
    func roundTrip() throws {
        let key = SigningKey.generate()
        let envelope = try SignedEnvelope.sign(digest: digest, key: key)
        try envelope.verify(digest: digest, with: key.verificationKey)
        let again = try SignedEnvelope(json: envelope.json())
        #expect(again == envelope)
        try again.verify(digest: digest, with: VerificationKey(text: key.verificationKey.text + "\n"))
    }

    @Test("Keys survive as text")
    func keys() throws {
        let key = SigningKey.generate()
        let again = try SigningKey(text: " \(key.secretText)\n")
        #expect(again.keyID == key.keyID)
        #expect(key.keyID.count == 16)
        #expect(key.keyID == key.verificationKey.keyID)
        #expect(SigningKey.generate().keyID != key.keyID)
        for text in ["", "not base64!", "AAAA", key.secretText + "AAAA"] {
            #expect(throws: ContainerError.self) { try SigningKey(text: text) }
            #expect(throws: ContainerError.self) { try VerificationKey(text: text) }
        }
    }

    @Test("The signature is over DSSE's encoding, computed here by hand with the key of RFC 8032, test 1")
    func knownKey() throws {
        let key = try SigningKey(text: "nWGxne/9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A=")
        #expect(key.verificationKey.text == "11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=")
        let envelope = try SignedEnvelope.sign(digest: "00", key: key)
        #expect(envelope.payload == "eyJkaWdlc3QiOnsic2hhMjU2IjoiMDAifX0=")
        #expect(envelope.payloadType == "application/vnd.hexloop.model-digest+json")
        try envelope.verify(digest: "00", with: key.verificationKey)
    }

    @Test("Another key is not accepted, by whatever name")
    func wrongKey() throws {
        let key = SigningKey.generate()
        let other = SigningKey.generate()
        var envelope = try SignedEnvelope.sign(digest: digest, key: key)
        #expect(throws: ContainerError.unknownKey(expected: other.keyID, found: [key.keyID])) {
            try envelope.verify(digest: digest, with: other.verificationKey)
        }
        envelope.signatures[0].keyid = other.keyID
        #expect(throws: ContainerError.badSignature(keyID: other.keyID)) {
            try envelope.verify(digest: digest, with: other.verificationKey)
        }
    }

    @Test("Another digest is not accepted")
    func wrongDigest() throws {
        let key = SigningKey.generate()
        let envelope = try SignedEnvelope.sign(digest: digest, key: key)
        let other = String(repeating: "cd", count: 32)
        #expect(throws: ContainerError.digestMismatch(expected: other, signed: digest)) {
            try envelope.verify(digest: other, with: key.verificationKey)
        }
    }

    @Test("A changed payload, type or signature is not accepted")
    func tampering() throws {
        let key = SigningKey.generate()
        let envelope = try SignedEnvelope.sign(digest: digest, key: key)
        var changed = envelope
        changed.payload = try SignedEnvelope.sign(digest: "00", key: SigningKey.generate()).payload
        #expect(throws: ContainerError.badSignature(keyID: key.keyID)) {
            try changed.verify(digest: "00", with: key.verificationKey)
        }
        changed = envelope
        changed.payloadType = "text/plain"
        #expect(throws: ContainerError.self) { try changed.verify(digest: digest, with: key.verificationKey) }
        for sig in ["", "AAAA", "%"] {
            changed = envelope
            changed.signatures[0].sig = sig
            #expect(throws: ContainerError.badSignature(keyID: key.keyID)) {
                try changed.verify(digest: digest, with: key.verificationKey)
            }
        }
        changed = envelope
        changed.signatures = Array(repeating: envelope.signatures[0], count: SignedEnvelope.signaturesMax + 1)
        #expect(throws: ContainerError.self) { try changed.verify(digest: digest, with: key.verificationKey) }
        changed.signatures = []
        #expect(throws: ContainerError.self) { try changed.verify(digest: digest, with: key.verificationKey) }
        changed = envelope
        changed.payload = "%"
        #expect(throws: ContainerError.self) { try changed.verify(digest: digest, with: key.verificationKey) }
    }

    @Test("JSON that is no envelope is refused")
    func json() {
        for text in ["", "{}", "[]", #"{"payload":1}"#, String(repeating: " ", count: 1 << 17)] {
            #expect(throws: ContainerError.self) { try SignedEnvelope(json: [UInt8](text.utf8)) }
        }
    }
}
