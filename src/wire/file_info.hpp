// The payload type of file information, in the answers to lookupRequest and readDirRequest (both sides, and clients).
#pragma once

#include <cstdint>
#include <string>

#include "wire/fields.hpp"

namespace nsenterd::wire {

struct Timespec {
  std::int64_t sec = 0;
  std::int64_t nsec = 0;
};

/// The kernel's struct stat of x86-64, field by field, as Go's syscall.Stat_t has it.
struct Stat {
  std::uint64_t dev = 0;
  std::uint64_t ino = 0;
  std::uint64_t nlink = 0;
  std::uint32_t mode = 0;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::uint64_t rdev = 0;
  std::int64_t size = 0;
  std::int64_t blksize = 0;
  std::int64_t blocks = 0;
  Timespec atim, mtim, ctim;
};

struct FileInfo {
  std::string name;
  std::int64_t size = 0;
  /// Go's fs.FileMode, not st_mode.
  std::uint32_t mode = 0;
  /// RFC 3339.
  std::string mod_time;
  bool is_dir = false;
  Stat sys;
};

template <class Fields, Describes<Timespec> Payload>
void describe(Fields& fields, Payload& time) {
  fields.integer("Sec", time.sec);
  fields.integer("Nsec", time.nsec, std::int64_t{0}, std::int64_t{999'999'999});
}

template <class Fields, Describes<Stat> Payload>
void describe(Fields& fields, Payload& sys) {
  fields.integer("Dev", sys.dev);
  fields.integer("Ino", sys.ino);
  fields.integer("Nlink", sys.nlink);
  fields.integer("Mode", sys.mode);
  fields.integer("Uid", sys.uid);
  fields.integer("Gid", sys.gid);
  fields.padding("X__pad0", "0");
  fields.integer("Rdev", sys.rdev);
  fields.integer("Size", sys.size);
  fields.integer("Blksize", sys.blksize);
  fields.integer("Blocks", sys.blocks);
  fields.object("Atim", sys.atim);
  fields.object("Mtim", sys.mtim);
  fields.object("Ctim", sys.ctim);
  fields.padding("X__unused", "[0,0,0]");
}

template <class Fields, Describes<FileInfo> Payload>
void describe(Fields& fields, Payload& info) {
  fields.text("Fname", info.name);
  fields.integer("Fsize", info.size);
  fields.integer("Fmode", info.mode);
  fields.text("FmodTime", info.mod_time);
  fields.boolean("FisDir", info.is_dir);
  fields.object("Fsys", info.sys);
}

}  // namespace nsenterd::wire
