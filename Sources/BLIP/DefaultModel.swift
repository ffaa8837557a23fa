internal import Glibc

extension BLIPModel {
  /// Where the default model lies: in the resources beside the executable (a build folder), or in
  /// `../share/blip` (an installation). Throws naming both places where it is in neither.
  public static func defaultModelPath() throws -> String {
    guard let executable = realpath("/proc/self/exe", nil) else {
      throw BLIPError("cannot tell where this program lies; give a model folder with --model")
    }
    defer { free(executable) }
    let folder = String(cString: executable).split(separator: "/").dropLast()
    let places = [
      "/" + (folder + ["blip_BLIP.resources", "blip-mini"]).joined(separator: "/"),
      "/" + (folder.dropLast() + ["share", "blip", "blip-mini"]).joined(separator: "/"),
    ]
    guard let place = places.first(where: { access("\($0)/config.json", R_OK) == 0 }) else {
      throw BLIPError(
        "the default model is neither in \(places[0]) nor in \(places[1]); give a model folder "
          + "with --model")
    }
    return place
  }
}
