// What getxattrSyscallResponse and ListxattrSyscallResponse carry (agent; checked in the daemon).
#pragma once

#include <cstdint>
#include <string>

#include "operations/operation.hpp"

namespace nsenterd::operations {

struct XattrValue {
  /// As long as the buffer that was asked for; zeros follow what the system call has filled in.
  std::string val;
  /// What the system call returned: the length of the value.
  std::int64_t size = 0;
};

template <class Fields, wire::Describes<XattrValue> Payload>
void describe(Fields& fields, Payload& value) {
  fields.bytes("val", value.val);
  fields.integer("size", value.size);
}

/// Fills a buffer of `size` bytes by `call(buffer, size)`, which is one of getxattr(2) and listxattr(2). `name` is that
/// call's, for the error.
template <class Call>
Result<XattrValue> read_xattr(const char* name, const std::string& path, std::int64_t size, Call call) {
  if (size > kMaxBytes) return path_error(name, path, EINVAL);
  XattrValue value;
  value.val.resize(static_cast<std::size_t>(size));
  value.size = call(value.val.data(), value.val.size());
  if (value.size < 0) return path_error(name, path);
  return value;
}

}  // namespace nsenterd::operations
