#!/bin/bash
# Prints the targets by layer with what each imports, and the folders with their number of files.
# Fails if a target imports one of its own layer or of a later one, if it has no article, if a folder
# holds more than 20 source files, if a source file has more than 300 lines, if a function has more than
# 60 lines or 8 parameters, or if the commands use more of the library than it has for everyone.
set -euo pipefail
cd "$(dirname "$0")/.."

most_files=20
most_lines=300
# Folders and files that may be larger.
larger_folders=()
larger_files=(
  Sources/CKernels/kernel_bodies.h
  Sources/CKernels/kernels.c
  Tests/StoreTests/VectorStoreTests.swift)

failed=0
fail() {
  echo "error: $*" >&2
  failed=1
}
listed() {
  local wanted=$1 entry
  shift
  for entry in "$@"; do [ "$entry" = "$wanted" ] && return 0; done
  return 1
}

# The layers, from the comments and targets of Package.swift.
declare -A layer
while read -r name number; do layer[$name]=$number; done < <(awk '
  /name: "TestSupport"/ { exit }
  /\/\/ Layer [0-9]+/ { match($0, /[0-9]+/); number = substr($0, RSTART, RLENGTH) }
  number != "" && (opened || /(module|[tT]arget|systemLibrary)\(/) {
    opened = !match($0, /"[A-Za-z0-9]+"/)
    if (!opened) print substr($0, RSTART + 1, RLENGTH - 2), number
  }' Package.swift)

echo "Targets by layer, with what they import:"
for directory in Sources/*/; do
  name=$(basename "$directory")
  [ -n "${layer[$name]:-}" ] || fail "$name is in no layer of Package.swift"
  case $name in Commands | blip) continue ;; esac
  if compgen -G "$directory**/*.swift" >/dev/null && [ ! -f "$directory$name.docc/$name.md" ]; then
    fail "$name has no article $directory$name.docc/$name.md"
  fi
done
while read -r own name; do
  imports=$(grep -rhoE '^(@[A-Za-z_]+ )?(public |package |internal |private )?import [A-Za-z0-9]+' \
    "Sources/$name" --include='*.swift' | awk '{ print $NF }' | sort -u || true)
  used=
  for import in $imports; do
    [ -n "${layer[$import]:-}" ] || continue
    used+=" $import"
    if [ "${layer[$import]}" -ge "$own" ]; then
      fail "$name (layer $own) imports $import (layer ${layer[$import]})"
    fi
  done
  echo "  $own $name:${used:- -}"
done < <(for name in "${!layer[@]}"; do echo "${layer[$name]} $name"; done | sort)

echo "Folders, with their number of source files:"
while read -r folder; do
  count=$(find "$folder" -maxdepth 1 -type f \( -name '*.swift' -o -name '*.c' -o -name '*.h' \) | wc -l)
  [ "$count" -gt 0 ] || continue
  echo "  $count $folder"
  if [ "$count" -gt $most_files ] && ! listed "$folder" "${larger_folders[@]}"; then
    fail "$folder holds $count source files, more than $most_files"
  fi
done < <(find Sources Tests -type d -not -path '*/Fixtures*' | sort)

while read -r count file; do
  if [ "$count" -gt $most_lines ] && ! listed "$file" "${larger_files[@]}"; then
    fail "$file has $count lines, more than $most_lines"
  fi
done < <(find Sources Tests -type f \( -name '*.swift' -o -name '*.c' -o -name '*.h' \) \
  -exec wc -l {} + | grep -v ' total$' | sort -k 2)

# Names that only package declarations of these targets have must not stand in the commands.
declared() {
  grep -rhoE "^ *(@[A-Za-z]+ )*$1((static|final|mutating|borrowing|consuming|case|indirect) )*(func|var|let|struct|class|enum|protocol|typealias|case) [A-Za-z_][A-Za-z0-9_]*" \
    "${@:2}" --include='*.swift' | awk '{ print $NF }' | sort -u
}
engine=(Sources/Retrieval Sources/Evaluation Sources/Store)
names=$(comm -23 <(declared 'package ' "${engine[@]}") <(
  {
    declared '(public |internal |private |fileprivate )?' Sources
    declared 'package ' $(printf '%s\n' Sources/*/ | grep -vE '/(Retrieval|Evaluation|Store)/')
  } | sort -u))
while read -r file name; do
  fail "$file uses $name, which is no public declaration"
done < <(grep -rnoE "(\.|\b)($(paste -sd'|' <<<"$names"))\b" Sources/Commands --include='*.swift' \
  | awk -F: '$3 ~ /^\.|^[A-Z]/ { print $1, $3 }' | sort -u)

# The sources are laid out by swift format: a function ends with the first line of its
# own indentation that ends with a brace.
while read -r fault; do fail "$fault"; done < <(find Sources -name '*.swift' -exec awk '
  function parameters(signature,    depth, angle, count, last, at, c) {
    count = 0; last = ""
    for (at = index(signature, "("); at <= length(signature); at++) {
      c = substr(signature, at, 1)
      if (c ~ /[(\[{]/) depth++
      else if (c ~ /[)\]}]/ && --depth == 0) return count + (last == ":")
      else if (c == "<") angle++
      else if (c == ">" && substr(signature, at - 1, 1) != "-" && angle > 0) angle--
      if (depth != 1 || angle > 0) continue
      if (c == ",") count++
      else if (c == ":") last = ":"
    }
    return -1
  }
  function indentation(line) { match(line, /^ */); return RLENGTH }
  FNR == 1 { reading = open = 0 }
  /^ *((@[a-zA-Z()]+|[a-z]+(\([a-z]+\))?) )*(func |init[?(<]|subscript[(<])/ && $0 !~ /^ *(\/\/|return |try |let |var )/ {
    reading = 1; signature = ""; name = $0; line_of_name = FNR
    sub(/^ +/, "", name)
    # A function within another is part of it.
    if (!open || indentation($0) <= indent) {
      open = 1; start = FNR; indent = indentation($0); outer = name
    }
  }
  reading {
    line = $0
    sub(/^.*(func [^(]*|init[^(]*|subscript[^(]*)/, "", line)
    signature = signature (signature == "" ? line : " " $0)
    count = parameters(signature)
    if (count >= 0) reading = 0
    if (count > 8) print FILENAME ":" line_of_name ": " name " has " count " parameters, more than 8"
  }
  open && FNR > start && $0 != "" && indentation($0) < indent { open = 0 }
  open && indentation($0) == indent && /}$/ {
    open = 0
    if (FNR - start + 1 > 60)
      print FILENAME ":" start ": " outer " has " FNR - start + 1 " lines, more than 60"
  }' {} +)

exit $failed
