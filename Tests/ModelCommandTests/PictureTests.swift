import Foundation
import Testing

@testable import HexloopApp

/// Pictures of Pillow: red is 10 * x, green 12 * y.
@Suite("Pictures in files")
struct PictureTests {
    private static let colours =
        """
        iVBORw0KGgoAAAANSUhEUgAAABgAAAAUCAIAAAAY12rUAAAAf0lEQVR42q3SSQ6DMAxA0U+BQsucVNz/qGwKigiD7SC9hb358sIZ8H1CQQtk6b\
        bQK1EYylPsQoVZHCptDkNvg7NQpXURqlWuQx+525D0tyWhRkIYam/JQ925GTpVqI/8tlkbGgI+XA2hEUZw6/BnC00xQ8jBBG5HG/LrRQ58aAGu\
        /w7RCWwNCwAAAABJRU5ErkJggg==
        """
    private static let grey =
        """
        iVBORw0KGgoAAAANSUhEUgAAABgAAAAUCAAAAACy3qJfAAAAFUlEQVR4nGNk4MIOmBhwgFGJoS4BAN6dAQ6daj8UAAAAAElFTkSuQmCC
        """
    private static let palette =
        """
        iVBORw0KGgoAAAANSUhEUgAAABgAAAAUBAMAAABlm+CwAAAAFVBMVEWqxoIyxlOqhKMyhDeqSGaqEhoyMBSpMGWGAAAAbElEQVR4nG3P0QnDMB\
        CD4c/GA3SGDNcps0KgE5jbIFmglz64IYb2nu4XkkDlCecBqun+QBnQLnW/YZ9sOdm28oDevF9D7rRtvBl3Qf8tGBBgacgosKyVDAdyVWWMTFAz\
        RqijxlRX4fzSNe6AD/qWIsDZ6FIEAAAAAElFTkSuQmCC
        """
    private static let jpeg =
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAIBAQEBAQIBAQECAgICAgQDAgICAgUEBAMEBgUGBgYFBgYGBwkIBgcJBwYGCAsICQoKCgoKBggLDA\
        sKDAkKCgr/2wBDAQICAgICAgUDAwUKBwYHCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgr/wAARCAAU\
        ABgDASIAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhBy\
        JxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKT\
        lJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAA\
        AAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom\
        JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExc\
        bHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/9oADAMBAAIRAxEAPwD8x/BH7P8A9z/Qv/Ha9f8ABP7PwOzNj/47X0D4I/Z/+5/oX/jt\
        eweCP2f/ALn+hf8Ajtfq2feJG/vnynhJ4uP93+87dT5+8E/s+D5P9C/8dor7h8Efs/8A3P8AQv8Ax2ivyLHeJD+sP3z/AET4W8XH/ZMP3n4jPB\
        HgzQPk/wBE/WvYPBHgzQPk/wBE/WiivzHPq1Wz95/ef4KeElev+7959OrPYPBHgzQPk/0T9aKKK/I8bWq+3fvP7z/RPhavX/smHvP72f/Z
        """
    /// Without subsampling, with restarts.
    private static let jpegWithRestarts =
        """
        /9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGB\
        YUGBIUFRT/2wBDAQMEBAUEBQkFBQkUDQsNFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBT/wAARCAAU\
        ABgDAREAAhEBAxEB/8QAHwAAAQUBAQEBAQEAAAAAAAAAAAECAwQFBgcICQoL/8QAtRAAAgEDAwIEAwUFBAQAAAF9AQIDAAQRBRIhMUEGE1FhBy\
        JxFDKBkaEII0KxwRVS0fAkM2JyggkKFhcYGRolJicoKSo0NTY3ODk6Q0RFRkdISUpTVFVWV1hZWmNkZWZnaGlqc3R1dnd4eXqDhIWGh4iJipKT\
        lJWWl5iZmqKjpKWmp6ipqrKztLW2t7i5usLDxMXGx8jJytLT1NXW19jZ2uHi4+Tl5ufo6erx8vP09fb3+Pn6/8QAHwEAAwEBAQEBAQEBAQAAAA\
        AAAAECAwQFBgcICQoL/8QAtREAAgECBAQDBAcFBAQAAQJ3AAECAxEEBSExBhJBUQdhcRMiMoEIFEKRobHBCSMzUvAVYnLRChYkNOEl8RcYGRom\
        JygpKjU2Nzg5OkNERUZHSElKU1RVVldYWVpjZGVmZ2hpanN0dXZ3eHl6goOEhYaHiImKkpOUlZaXmJmaoqOkpaanqKmqsrO0tba3uLm6wsPExc\
        bHyMnK0tPU1dbX2Nna4uPk5ebn6Onq8vP09fb3+Pn6/90ABAAC/9oADAMBAAIRAxEAPwD4v0T4f/d/d/pX7tiMy8zw8ozjbU9A0T4f/d/dfpXz\
        eIzLzP2vKM421P/Q8u0T4ffd/d/pX12IzLzP65yjONtTW0T4f/d/d/pXFiMy8z/L7KM321P/0ZdE+H/3f3f6VGIzLzPCyjN9tT0DRPh/9393+l\
        fN4jMvM/asozfbU//S9D0TRbX5f3dfMYivU7n8O5Riammp6Bomi2vy/u6+cxFep3P2vKMTU01P/9P7D0TRbX5f3dfiGIr1O5xZRiammp//2Q==
        """

    private func picture(_ base64: String) throws -> Picture {
        try Picture(Array(try #require(Data(base64Encoded: base64))))
    }

    private func pixel(_ picture: Picture, _ x: Int, _ y: Int) -> [Int] {
        (0..<picture.channels).map {
            Int(picture.bytes[(y * picture.width + x) * picture.channels + $0])
        }
    }

    @Test("PNG is read to the bit, in colours, in grey and with a palette")
    func png() throws {
        let colours = try picture(Self.colours)
        #expect(colours.width == 24 && colours.height == 20 && colours.channels == 3)
        for y in 0..<20 {
            for x in 0..<24 {
                #expect(pixel(colours, x, y) == [x * 10 % 256, y * 12 % 256, x * y % 256])
            }
        }
        let grey = try picture(Self.grey)
        #expect(grey.channels == 1)
        for y in 0..<20 { for x in 0..<24 { #expect(pixel(grey, x, y) == [x * 10]) } }
        let palette = try picture(Self.palette)
        #expect(palette.channels == 3)
        #expect(pixel(palette, 5, 3) == [50, 48, 20])
        #expect(pixel(palette, 23, 19) == [170, 198, 130])
    }

    @Test("JPEG is near what was written, with subsampled colours and with restarts")
    func jpegs() throws {
        for (text, limit) in [(Self.jpeg, 16), (Self.jpegWithRestarts, 6)] {
            let picture = try picture(text)
            #expect(picture.width == 24 && picture.height == 20 && picture.channels == 3)
            var worst = 0
            for y in 0..<20 {
                for x in 0..<24 {
                    for (value, wanted) in zip(pixel(picture, x, y), [x * 10, y * 12, 128]) {
                        worst = max(worst, abs(value - wanted))
                    }
                }
            }
            #expect(worst <= limit)
        }
    }

    @Test("PGM, PPM and BMP are read")
    func plain() throws {
        let pgm = try Picture(Array("P5 # a remark\n2 1\n255\n".utf8) + [7, 9])
        #expect(pgm == Picture(width: 2, height: 1, channels: 1, bytes: [7, 9]))
        let ppm = try Picture(Array("P6\n1 2\n255\n".utf8) + [1, 2, 3, 4, 5, 6])
        #expect(ppm == Picture(width: 1, height: 2, channels: 3, bytes: [1, 2, 3, 4, 5, 6]))
        var bmp = Array("BM".utf8) + [UInt8](repeating: 0, count: 52)
        for (place, value) in [(10, 54), (14, 40), (18, 1), (22, 2), (26, 1), (28, 24)] {
            bmp[place] = UInt8(value)
        }
        // From the bottom up, blue first, lines of a multiple of four bytes.
        bmp += [6, 5, 4, 0, 3, 2, 1, 0]
        #expect(try Picture(bmp) == ppm)
    }

    @Test("A picture that is cut anywhere is refused, and one that is damaged never traps")
    func damaged() throws {
        for text in [Self.colours, Self.palette, Self.jpeg, Self.jpegWithRestarts] {
            let bytes = Array(try #require(Data(base64Encoded: text)))
            for count in 3..<bytes.count - 2 {
                let part = Array(bytes[..<count])
                guard Picture.isPicture(part) else { continue }
                #expect(throws: CommandError.self) { try Picture(part) }
            }
            var random = SystemRandomNumberGenerator()
            for _ in 0..<300 {
                var wrong = bytes
                let place = Int.random(in: 8..<bytes.count, using: &random)
                wrong[place] = UInt8.random(in: 0...255, using: &random)
                _ = try? Picture(wrong)
            }
        }
        #expect(throws: CommandError.self) { try Picture(Array("P5\n99999 99999\n255\n".utf8)) }
    }

    @Test("Resizing keeps what is even, and takes means of what is not")
    func resizing() {
        let even = Picture(width: 4, height: 4, channels: 1, bytes: [UInt8](repeating: 77, count: 16))
        #expect(even.resized(width: 3, height: 7).bytes == [UInt8](repeating: 77, count: 21))
        let steps = Picture(width: 4, height: 1, channels: 1, bytes: [0, 0, 200, 200])
        let half = steps.resized(width: 2, height: 1).bytes
        #expect(half[0] < 60 && half[1] > 140 && Int(half[0]) + Int(half[1]) == 200)
        let colours = Picture(width: 1, height: 1, channels: 3, bytes: [255, 0, 0])
        #expect(colours.converted(to: 1).bytes == [76])
        #expect(colours.converted(to: 1).converted(to: 3).bytes == [76, 76, 76])
    }
}
