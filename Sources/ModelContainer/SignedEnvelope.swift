import FoundationEssentials

/// A detached signature over a model's digest, in the Dead Simple Signing Envelope (DSSE) format.
///
/// What is signed is `DSSEv1 <type length> <type> <payload length> <payload>`, so a signature can serve for no other
/// type of document. The payload is `{"digest":{"sha256":"<hexadecimal>"}}`.
public struct SignedEnvelope: Codable, Sendable, Hashable {
    /// The type of the payload, part of what is signed.
    public static let modelDigestType = "application/vnd.hexloop.model-digest+json"
    /// An envelope with more signatures is refused.
    public static let signaturesMax = 16
    /// A longer JSON text is refused.
    public static let jsonBytesMax = 1 << 16

    /// One signature of an envelope.
    public struct Signature: Codable, Sendable, Hashable {
        /// The key's ``SigningKey/keyID``.
        public var keyid: String
        /// Base64.
        public var sig: String

        /// Makes a value of its parts.
        public init(keyid: String, sig: String) {
            self.keyid = keyid
            self.sig = sig
        }
    }

    /// The type of the payload; only ``modelDigestType`` verifies.
    public var payloadType: String
    /// Base64.
    public var payload: String
    /// One for each key that signed.
    public var signatures: [Signature]

    private struct Payload: Codable {
        var digest: [String: String]
    }

    /// Signs a digest, which ``ModelContainer/digest`` gives.
    ///
    /// - Throws: ``ContainerError/invalidKey(_:)`` when the cryptography library refuses to sign.
    public static func sign(digest: String, key: SigningKey) throws(ContainerError) -> SignedEnvelope {
        let payload = try JSON.encode(Payload(digest: ["sha256": digest]))
        let message = preAuthenticationEncoding(type: modelDigestType, payload: payload)
        let signature = try key.signature(for: message)
        return SignedEnvelope(
            payloadType: modelDigestType,
            payload: Data(payload).base64EncodedString(),
            signatures: [Signature(keyid: key.keyID, sig: Data(signature).base64EncodedString())]
        )
    }

    private init(payloadType: String, payload: String, signatures: [Signature]) {
        self.payloadType = payloadType
        self.payload = payload
        self.signatures = signatures
    }

    /// Reads an envelope from its JSON.
    ///
    /// - Throws: ``ContainerError/invalid(field:reason:)``.
    public init(json: [UInt8]) throws(ContainerError) {
        guard json.count <= SignedEnvelope.jsonBytesMax else {
            throw .invalid(field: "envelope", reason: "\(json.count) bytes are too many")
        }
        do {
            self = try JSONDecoder().decode(SignedEnvelope.self, from: Data(json))
        } catch {
            throw .invalid(field: "envelope", reason: JSON.reason(error))
        }
    }

    /// The envelope as JSON; the same envelope always gives the same bytes.
    ///
    /// - Throws: ``ContainerError/unencodable(_:)``, which no envelope is known to cause.
    public func json() throws(ContainerError) -> [UInt8] {
        try JSON.encode(self)
    }

    /// Checks that the key signed this digest.
    ///
    /// - Throws: ``ContainerError/invalid(field:reason:)`` for a malformed envelope,
    ///   ``ContainerError/unknownKey(expected:found:)``, ``ContainerError/badSignature(keyID:)``,
    ///   ``ContainerError/digestMismatch(expected:signed:)``.
    public func verify(digest: String, with key: VerificationKey) throws(ContainerError) {
        guard payloadType == SignedEnvelope.modelDigestType else {
            throw .invalid(field: "envelope.payloadType", reason: "'\(payloadType)' is not a model digest")
        }
        guard let data = Data(base64Encoded: payload) else {
            throw .invalid(field: "envelope.payload", reason: "not base64")
        }
        guard signatures.count <= SignedEnvelope.signaturesMax else {
            throw .invalid(field: "envelope.signatures", reason: "\(signatures.count) are too many")
        }
        let keyID = key.keyID
        let own = signatures.filter { $0.keyid == keyID }
        guard !own.isEmpty else { throw .unknownKey(expected: keyID, found: signatures.map(\.keyid)) }
        let message = SignedEnvelope.preAuthenticationEncoding(type: payloadType, payload: [UInt8](data))
        let isSigned = own.contains { signature in
            Data(base64Encoded: signature.sig).map { key.isValid([UInt8]($0), for: message) } ?? false
        }
        guard isSigned else { throw .badSignature(keyID: keyID) }
        let signed: Payload
        do {
            signed = try JSONDecoder().decode(Payload.self, from: data)
        } catch {
            throw .invalid(field: "envelope.payload", reason: JSON.reason(error))
        }
        guard let signedDigest = signed.digest["sha256"], signedDigest == digest else {
            throw .digestMismatch(expected: digest, signed: signed.digest["sha256"] ?? "")
        }
    }

    private static func preAuthenticationEncoding(type: String, payload: [UInt8]) -> [UInt8] {
        [UInt8]("DSSEv1 \(type.utf8.count) \(type) \(payload.count) ".utf8) + payload
    }
}
