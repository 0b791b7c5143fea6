/// Two numbers of a plane: a size, a stride or a dilation.
public struct Extent: Codable, Sendable, Hashable {
    /// Along the first of the two axes.
    public var height: Int
    /// Along the second.
    public var width: Int

    /// Makes a value of its parts.
    public init(height: Int, width: Int) {
        self.height = height
        self.width = width
    }

    /// The same number along both axes.
    public init(_ both: Int) {
        self.init(height: both, width: both)
    }
}

/// Rows and columns that are added around a plane.
public struct Margins: Codable, Sendable, Hashable {
    /// Rows before the first.
    public var top: Int
    /// Columns before the first.
    public var left: Int
    /// Rows after the last.
    public var bottom: Int
    /// Columns after the last.
    public var right: Int

    /// Makes a value of its parts.
    public init(top: Int = 0, left: Int = 0, bottom: Int = 0, right: Int = 0) {
        self.top = top
        self.left = left
        self.bottom = bottom
        self.right = right
    }

    /// The same number on each side.
    public init(_ all: Int) {
        self.init(top: all, left: all, bottom: all, right: all)
    }
}

/// A window that moves over a plane: of a convolution or a pooling.
public struct Window: Codable, Sendable, Hashable {
    /// The size of the window, in taps.
    public var size: Extent
    /// How far it moves.
    public var stride: Extent
    /// What is added around the plane.
    public var padding: Margins
    /// The distance of two taps: 1 for a dense window.
    public var dilation: Extent

    /// Makes a value of its parts.
    public init(
        size: Extent,
        stride: Extent = Extent(1),
        padding: Margins = Margins(),
        dilation: Extent = Extent(1)
    ) {
        self.size = size
        self.stride = stride
        self.padding = padding
        self.dilation = dilation
    }

    /// The rows and columns that a dilated window spans.
    ///
    /// - Precondition: Checked by ``Graph/validate()``, as for ``positions(over:)``.
    public var span: Extent {
        Extent(height: (size.height - 1) * dilation.height + 1, width: (size.width - 1) * dilation.width + 1)
    }

    /// The number of places that the window takes on a plane; not positive when it does not fit.
    public func positions(over plane: Extent) -> Extent {
        func count(_ input: Int, _ before: Int, _ after: Int, _ span: Int, _ stride: Int) -> Int {
            let room = input + before + after - span
            return room < 0 ? 0 : room / stride + 1
        }
        return Extent(
            height: count(plane.height, padding.top, padding.bottom, span.height, stride.height),
            width: count(plane.width, padding.left, padding.right, span.width, stride.width)
        )
    }
}
