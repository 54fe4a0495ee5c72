// One mount of a list, in mountSyscallRequest and umountSyscallRequest (agent; checked in the daemon).
#pragma once

#include <climits>
#include <cstdint>
#include <string>
#include <vector>

#include "operations/personality.hpp"

namespace nsenterd::operations {

struct MountEntry {
  Personality header;
  std::string source;
  std::string target;
  std::string fstype;
  std::uint64_t flags = 0;
  std::string data;
};

template <class Fields, wire::Describes<MountEntry> Payload>
void describe(Fields& fields, Payload& entry) {
  fields.object("Header", entry.header);
  fields.path("source", entry.source);
  fields.path("target", entry.target);
  fields.path("fstype", entry.fstype);
  fields.integer("flags", entry.flags);
  // The kernel takes a page of options, and silently leaves out the rest.
  fields.text("data", entry.data, PATH_MAX);
}

}  // namespace nsenterd::operations
