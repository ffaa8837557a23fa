internal import Glibc
package import Random

extension SplitMix64 {
  /// The box of a random resized crop, as torchvision's `RandomResizedCrop.get_params` draws it:
  /// its fraction of the picture's area is uniform in `scale`, its aspect ratio log-uniform between
  /// 3/4 and 4/3, and its position uniform. If ten draws do not fit the picture, it is the largest
  /// centred box with an allowed aspect ratio.
  package mutating func crop(width: Int, height: Int, scale: ClosedRange<Double>) -> CropBox {
    let ratios = 3.0 / 4...4.0 / 3
    for _ in 0..<10 {
      let area = Double(width) * Double(height) * uniform(in: scale)
      let ratio = exp(uniform(in: log(ratios.lowerBound)...log(ratios.upperBound)))
      let boxWidth = Int((area * ratio).squareRoot().rounded(.toNearestOrEven))
      let boxHeight = Int((area / ratio).squareRoot().rounded(.toNearestOrEven))
      if 0 < boxWidth, boxWidth <= width, 0 < boxHeight, boxHeight <= height {
        let top = below(height - boxHeight + 1)
        let left = below(width - boxWidth + 1)
        return CropBox(left: left, top: top, width: boxWidth, height: boxHeight)
      }
    }
    var (boxWidth, boxHeight) = (width, height)
    let ratio = Double(width) / Double(height)
    if ratio < ratios.lowerBound {
      boxHeight = Int((Double(width) / ratios.lowerBound).rounded(.toNearestOrEven))
    } else if ratio > ratios.upperBound {
      boxWidth = Int((Double(height) * ratios.upperBound).rounded(.toNearestOrEven))
    }
    return CropBox(
      left: (width - boxWidth) / 2, top: (height - boxHeight) / 2, width: boxWidth,
      height: boxHeight)
  }
}
