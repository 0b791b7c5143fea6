@main
struct BusCommand {
    static func main() {}
}
