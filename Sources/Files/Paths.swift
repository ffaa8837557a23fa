/// `folder/name`, or `name` alone in the root.
package func joined(_ folder: [UInt8], _ name: [UInt8]) -> [UInt8] {
  if folder.isEmpty { return name }
  return folder.last == .slash ? folder + name : folder + [.slash] + name
}

/// The last name of a path; a slash for the root of all.
package func lastComponent(of path: [UInt8]) -> [UInt8] {
  path.split(separator: .slash).last.map(Array.init) ?? [.slash]
}

/// A folder of pictures, absolute and without symbolic links.
package func resolvedFolder(_ folder: String) throws(PathError) -> [UInt8] {
  do { return try FileSystem.resolved(Array(folder.utf8)) } catch {
    throw PathError(folder, "\(error); name the folder that holds the pictures")
  }
}

/// An absolute path without `.` and empty components, and with `..` carried out.
package func normalised(_ path: [UInt8]) -> [UInt8] {
  var components: [ArraySlice<UInt8>] = []
  for component in path.split(separator: .slash) where component != [.dot] {
    if component == [.dot, .dot] {
      _ = components.popLast()
    } else {
      components.append(component)
    }
  }
  return [.slash] + components.joined(separator: [.slash])
}

/// The part of a normalised path below a folder, empty for the folder itself; nil where it lies
/// elsewhere.
package func relative(_ path: [UInt8], to root: [UInt8]) -> [UInt8]? {
  if path == root { return [] }
  let prefix = root.last == .slash ? root : root + [.slash]
  return path.starts(with: prefix) ? Array(path.dropFirst(prefix.count)) : nil
}
