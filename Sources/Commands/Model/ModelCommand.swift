import ArgumentParser

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Gets, lists and converts models.",
    subcommands: [
      ModelPullCommand.self, ModelListCommand.self, ModelShowCommand.self,
      ModelConvertCommand.self, ModelRemoveCommand.self,
    ])
}
