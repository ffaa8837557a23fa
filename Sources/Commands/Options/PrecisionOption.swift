import ArgumentParser
import BLIP

/// The number format a verb computes in.
struct PrecisionOption: ParsableArguments {
  @Option(
    name: .customLong("precision"),
    help: ArgumentHelp(
      "Compute in fp32, bf16 (half the memory) or int8 (fastest, slightly less accurate); auto is "
        + "the index's precision, else bf16 if the processor supports it, else fp32. "
        + "(default: auto)",
      valueName: "format"),
    transform: Self.precision)
  var precision = Precision.auto

  private static func precision(_ text: String) throws -> Precision {
    guard let precision = Precision(rawValue: text) else {
      throw ValidationError("Choose fp32, bf16, int8 or auto.")
    }
    return precision
  }
}
