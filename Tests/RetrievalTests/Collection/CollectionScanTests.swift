import Files
import Glibc
import Store
import Testing

@testable import Retrieval

@Suite("The walk through a collection") struct CollectionScanTests {
  private func paths(_ collection: Collection, exclude: [String] = []) throws -> [String] {
    try CollectionScan(root: collection.root, settings: CollectionSettings(exclude: exclude))
      .pictures.map { printable($0.path) }
  }

  @Test("finds pictures by extension, in the same order every time") func pictures() throws {
    let collection = Collection()
    for name in [
      "b.png", "a.JPG", "notes.txt", "c/d/e.webp", "c/b.tiff", "a/z.heic", "png", "x.pdf",
    ] {
      collection.write(name, "")
    }
    #expect(
      try paths(collection) == ["a.JPG", "b.png", "a/z.heic", "c/b.tiff", "c/d/e.webp"])
  }

  @Test("finds pictures by their contents where the name says nothing") func contents() throws {
    let collection = Collection()
    let jpeg: [UInt8] = [0xFF, 0xD8, 0xFF, 0xE0, 0, 16]
    for name in ["a.jpg_large", "b", "c.dng", "d.JPE", "e.mpo", "f.hif", "g.jxl", "h.1"] {
      collection.write(name, jpeg)
    }
    for name in ["i.old", "j.nef", "k"] { collection.write(name, [1, 2, 3]) }
    #expect(
      try paths(collection)
        == ["a.jpg_large", "b", "c.dng", "d.JPE", "e.mpo", "f.hif", "g.jxl", "h.1"])
  }

  @Test("notes what it leaves out, and what that is") func leftOut() throws {
    let collection = Collection()
    for name in ["a.MOV", "b.pdf", "c.psd", "d.json", "e.png", "e.txt", "f.txt", ".g.mov"] {
      collection.write(name, "")
    }
    collection.write("h", [0, 0, 0, 24] + Array("ftypisomisomiso2mp41".utf8))
    collection.write("i", Array("%PDF-1.7".utf8))
    collection.write("j.nef", "an unknown camera")
    collection.write("k/l.cr2.bak", "")
    collection.write("m.mov", "")
    let scan = try CollectionScan(
      root: collection.root, settings: CollectionSettings(exclude: ["m.*"]))
    #expect(scan.pictures.map { printable($0.path) } == ["e.png"])
    #expect(
      scan.leftOut.map { "\(printable($0.path)): \($0.kind.rawValue)" } == [
        "a.MOV: video", "b.pdf: pdf", "c.psd: picture", "d.json: other", "f.txt: other", "h: video",
        "i: pdf", "j.nef: raw", "m.mov: excluded", "k/l.cr2.bak: other",
      ])
    #expect(
      scan.leftOutCounts == [.video: 2, .pdf: 2, .picture: 1, .raw: 1, .other: 3, .excluded: 1])
  }

  @Test("leaves hidden pictures and folders out, and notes them") func hidden() throws {
    let collection = Collection()
    for name in [".a.png", ".thumbnails/b.png", "c/.d/e.png", "f.png"] {
      collection.write(name, "")
    }
    collection.write(".DS_Store", "")
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map { printable($0.path) } == ["f.png"])
    #expect(scan.leftOutCounts == [.hidden: 3])
    #expect(
      try paths(collection, exclude: ["!.thumbnails", "!.a.*"])
        == [".a.png", "f.png", ".thumbnails/b.png"])
  }

  @Test("leaves out excluded files and folders") func excluded() throws {
    let collection = Collection()
    for name in ["a.gif", "a.png", "thumbs/b.png", "c/thumbs/d.png", "c/raw/e.png", "f/raw/g.png"] {
      collection.write(name, "")
    }
    #expect(
      try paths(collection, exclude: ["*.gif", "thumbs/", "c/raw"]) == ["a.png", "f/raw/g.png"])
  }

  @Test("leaves out folders of thumbnails and deleted files, and notes them") func systemFolders()
    throws
  {
    let collection = Collection()
    for name in ["a.png", "@eaDir/a.png/THUMB.jpg", "b/$RECYCLE.BIN/c.jpg", "b/eaDir/d.jpg"] {
      collection.write(name, "")
    }
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map { printable($0.path) } == ["a.png", "b/eaDir/d.jpg"])
    #expect(scan.leftOutCounts == [.systemFolder: 2])
    #expect(scan.leftOut.map { printable($0.path) } == ["@eaDir", "b/$RECYCLE.BIN"])
  }

  @Test("notes links to folders") func linkedFolders() throws {
    let collection = Collection()
    collection.write("real/a.png", "")
    collection.link("album", to: "real")
    collection.link("folder.png", to: "real")
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map { printable($0.path) } == ["real/a.png"])
    #expect(
      scan.leftOut
        == ["album", "folder.png"].map {
          LeftOutFile(path: Array($0.utf8), kind: .linkedFolder)
        })
  }

  @Test("follows links to files, not to folders, and warns of broken links")
  func links() throws {
    let collection = Collection()
    collection.write("real/a.png", "12345")
    collection.link("file.png", to: "real/a.png")
    collection.link("folder.png", to: "real")
    collection.link("circle", to: ".")
    collection.link("lost.png", to: "nowhere")
    collection.link("lost", to: "nowhere")
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map { printable($0.path) } == ["file.png", "real/a.png"])
    #expect(scan.pictures.map(\.size) == [5, 5])
    #expect(scan.unreadable.map { printable($0.path) } == ["lost.png"])
    #expect(!scan.hides(Array("lost.png".utf8)))
  }

  @Test("keeps names that are not UTF-8, byte for byte") func foreignNames() throws {
    let collection = Collection()
    let name: [UInt8] = Array("caf".utf8) + [0xE9] + Array(".png".utf8)
    collection.write(name, [1, 2, 3])
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map(\.path) == [name])
    #expect(scan.pictures.map(\.size) == [3])
  }

  @Test("passes over what only looks like a picture: pipes, folders") func notFiles() throws {
    let collection = Collection()
    collection.write("folder.jpg/a.png", "")
    #expect(mkfifo("\(collection.path)/pipe.png", 0o644) == 0)
    #expect(mkfifo("\(collection.path)/pipe", 0o644) == 0)
    #expect(try paths(collection) == ["folder.jpg/a.png"])
  }

  @Test("notes which pictures have a text file beside them") func sidecars() throws {
    let collection = Collection()
    for name in ["a.png", "a.txt", "b.png", "c.d.png", "c.d.txt", "e.txt"] {
      collection.write(name, "")
    }
    #expect(
      try CollectionScan(root: collection.root).pictures.map(\.hasSidecar) == [true, false, true])
  }

  @Test("names folders that it may not read and continues", .enabled(if: !isRoot))
  func unreadable() throws {
    let collection = Collection()
    collection.write("shut/a.png", "")
    collection.write("b.png", "")
    collection.setPermissions("shut", 0)
    defer { collection.setPermissions("shut", 0o755) }
    let scan = try CollectionScan(root: collection.root)
    #expect(scan.pictures.map { printable($0.path) } == ["b.png"])
    #expect(scan.unreadable.map { printable($0.path) } == ["shut"])
    #expect(scan.hides(Array("shut/a.png".utf8)))
    #expect(!scan.hides(Array("shutter.png".utf8)))
  }

  @Test("ends in a clear error without a folder") func missing() throws {
    let collection = Collection()
    collection.write("a.png", "")
    #expect(throws: RetrievalError.self) {
      try CollectionScan(root: collection.root + Array("/nowhere".utf8))
    }
    let error = #expect(throws: RetrievalError.self) {
      try CollectionScan(root: collection.root + Array("/a.png".utf8))
    }
    #expect(error?.description.contains("is not a folder") == true)
  }

  @Test("stops on request") func stopped() throws {
    let collection = Collection()
    collection.write("a/b.png", "")
    let scan = try CollectionScan(root: collection.root, shouldStop: { true })
    #expect(scan.interrupted && scan.pictures.isEmpty)
  }
}
