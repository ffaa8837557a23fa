import ArgumentParser

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Download, list, inspect, calibrate, convert and remove models.",
    discussion: """
      EXAMPLES
        blip model pull Salesforce/blip-itm-base-coco
        blip model list
      """,
    subcommands: [
      ModelPullCommand.self, ModelListCommand.self, ModelShowCommand.self,
      ModelCalibrateCommand.self, ModelConvertCommand.self, ModelRemoveCommand.self,
    ])
}
