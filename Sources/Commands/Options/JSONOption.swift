import ArgumentParser

/// Whether a verb that prints a list writes JSON.
struct JSONOption: ParsableArguments {
  @Flag(name: .customLong("json"), help: "Print one JSON object per line.")
  var isGiven = false
}
