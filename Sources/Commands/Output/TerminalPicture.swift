internal import CChafa
import Glibc
import Images

/// Draws pictures in a terminal with libchafa, by the best way that the terminal has: the protocols of kitty,
/// sixel and iTerm, else characters in as many colours as there are.
struct TerminalPicture: ~Copyable {
  /// How pictures are drawn.
  enum Method: Equatable {
    /// By a protocol for pictures: the picture takes the place below the cursor.
    case pixels
    /// By lines of characters.
    case characters
  }

  /// A picture as a terminal shows it.
  struct Drawing {
    /// What is written: one piece for a protocol, a line for each row of characters.
    let lines: [String]
    /// The width in columns.
    let columns: Int
  }

  let method: Method
  private let terminal: OpaquePointer
  private let pixelMode: ChafaPixelMode
  private let canvasMode: ChafaCanvasMode
  /// The size of a character in pixels.
  private let cell: (width: Int, height: Int)

  /// For the terminal that the environment describes.
  /// - Parameters:
  ///   - environment: Variables as `NAME=value`: `TERM`, `COLORTERM` and what terminals set of their own.
  ///   - cell: The size of a character in pixels, where the terminal tells it.
  ///   - hasColors: Whether colours may be used.
  init(environment: [String], cell: (width: Int, height: Int)?, hasColors: Bool) {
    var variables = environment.map { strdup($0) } + [nil]
    defer { for variable in variables { free(variable) } }
    terminal = chafa_term_db_detect(chafa_term_db_get_default(), &variables)
    self.cell = cell ?? (10, 20)

    let terminal = terminal
    func has(_ sequence: ChafaTermSeq) -> Bool { chafa_term_info_have_seq(terminal, sequence) != 0 }
    if has(CHAFA_TERM_SEQ_BEGIN_KITTY_IMMEDIATE_IMAGE_V1) {
      (pixelMode, canvasMode) = (CHAFA_PIXEL_MODE_KITTY, CHAFA_CANVAS_MODE_TRUECOLOR)
    } else if has(CHAFA_TERM_SEQ_BEGIN_SIXELS) {
      (pixelMode, canvasMode) = (CHAFA_PIXEL_MODE_SIXELS, CHAFA_CANVAS_MODE_TRUECOLOR)
    } else if has(CHAFA_TERM_SEQ_BEGIN_ITERM2_IMAGE) {
      (pixelMode, canvasMode) = (CHAFA_PIXEL_MODE_ITERM2, CHAFA_CANVAS_MODE_TRUECOLOR)
    } else {
      pixelMode = CHAFA_PIXEL_MODE_SYMBOLS
      canvasMode =
        if hasColors && has(CHAFA_TERM_SEQ_SET_COLOR_FGBG_DIRECT) {
          CHAFA_CANVAS_MODE_TRUECOLOR
        } else if hasColors && has(CHAFA_TERM_SEQ_SET_COLOR_FGBG_256) {
          CHAFA_CANVAS_MODE_INDEXED_240
        } else if hasColors && has(CHAFA_TERM_SEQ_SET_COLOR_FGBG_16) {
          CHAFA_CANVAS_MODE_INDEXED_16
        } else if has(CHAFA_TERM_SEQ_INVERT_COLORS) {
          CHAFA_CANVAS_MODE_FGBG_BGFG
        } else {
          CHAFA_CANVAS_MODE_FGBG
        }
    }
    method = pixelMode == CHAFA_PIXEL_MODE_SYMBOLS ? .characters : .pixels
  }

  /// For the terminal that the variables of this process describe.
  init(_ console: Console) {
    let variables = g_get_environ()
    defer { g_strfreev(variables) }
    var environment: [String] = []
    var next = variables
    while let variable = next?.pointee {
      environment.append(String(cString: variable))
      next = next?.advanced(by: 1)
    }
    self.init(environment: environment, cell: console.cell, hasColors: console.isColored)
  }

  deinit { chafa_term_info_unref(terminal) }

  /// Draws a picture in at most so many columns and rows, in its own proportions.
  func draw(_ picture: Picture, columns: Int, rows: Int) -> Drawing {
    var (width, height) = (Int32(columns), Int32(rows))
    chafa_calc_canvas_geometry(
      Int32(picture.width), Int32(picture.height), &width, &height,
      Float(cell.width) / Float(cell.height), 1, 0)
    let config = chafa_canvas_config_new()
    defer { chafa_canvas_config_unref(config) }
    chafa_canvas_config_set_geometry(config, max(1, width), max(1, height))
    chafa_canvas_config_set_cell_geometry(config, Int32(cell.width), Int32(cell.height))
    chafa_canvas_config_set_canvas_mode(config, canvasMode)
    chafa_canvas_config_set_pixel_mode(config, pixelMode)
    let canvas = chafa_canvas_new(config)
    defer { chafa_canvas_unref(canvas) }
    chafa_canvas_draw_all_pixels(
      canvas, CHAFA_PIXEL_RGB8, picture.pixels, Int32(picture.width), Int32(picture.height),
      Int32(picture.width * 3))
    guard let printed = chafa_canvas_print(canvas, terminal) else {
      return Drawing(lines: [], columns: 0)
    }
    defer { g_string_free(printed, 1) }
    let bytes = UnsafeRawBufferPointer(start: printed.pointee.str, count: Int(printed.pointee.len))
    let text = String(decoding: bytes, as: UTF8.self)
    return Drawing(
      lines: method == .pixels ? [text] : text.split(separator: "\n").map(String.init),
      columns: Int(max(1, width)))
  }
}
