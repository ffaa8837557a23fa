internal import Glibc

extension BLIPModel {
  /// The path of the default model: in the resources beside the executable (a build folder), or in
  /// `../share/blip` (an installation). Throws an error naming both places if it is in neither.
  public static func defaultModelPath() throws -> String {
    guard let executable = realpath("/proc/self/exe", nil) else {
      throw BLIPError(
        "cannot find this program's executable, and so the default model; use another model")
    }
    defer { free(executable) }
    let folder = String(cString: executable).split(separator: "/").dropLast()
    let places = [
      "/" + (folder + ["blip_BLIP.resources", "blip-mini"]).joined(separator: "/"),
      "/" + (folder.dropLast() + ["share", "blip", "blip-mini"]).joined(separator: "/"),
    ]
    guard let place = places.first(where: { access("\($0)/config.json", R_OK) == 0 }) else {
      throw BLIPError(
        "the default model is neither in \(places[0]) nor in \(places[1]); use another model")
    }
    return place
  }
}
