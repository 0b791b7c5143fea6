@main
struct TrainerCommand {
    static func main() {}
}
