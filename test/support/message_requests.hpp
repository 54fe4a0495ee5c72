// Requests about mounts, owners and extended attributes, as the socket's clients write them.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace nsenterd::test::message {

using Json = nlohmann::json;

constexpr std::uint64_t capability(int number) {
  return std::uint64_t{1} << static_cast<unsigned>(number);
}

/// The process on whose behalf a syscall is made.
inline Json header(const std::string& root = "/", const std::string& cwd = "/",
                   std::uint64_t capabilities = 0) {
  return {{"root", root}, {"cwd", cwd}, {"capabilities", {capabilities & 0xffffffffU, capabilities >> 32U}}};
}

/// One element of a mount's or an umount's list.
inline Json mount_of(const std::string& source, const std::string& target, const std::string& fstype,
                     std::uint64_t flags = 0, const std::string& data = {}, Json caller = header()) {
  return {{"Header", std::move(caller)},
          {"source", source},
          {"target", target},
          {"fstype", fstype},
          {"flags", flags},
          {"data", data}};
}
inline Json tmpfs_on(const std::string& target, std::uint64_t flags = 0, const std::string& data = {}) {
  return mount_of("tmpfs", target, "tmpfs", flags, data);
}
inline Json umount_of(const std::string& target, std::uint64_t flags = 0) {
  return mount_of("", target, "", flags);
}
inline Json owner_of(const std::string& target, std::int64_t uid, std::int64_t gid) {
  return {{"target", target}, {"uid", uid}, {"gid", gid}};
}

/// Of elements made by mount_of().
inline Json mount(std::vector<Json> list) {
  return {{"message", "mountSyscallRequest"}, {"payload", std::move(list)}};
}
/// Of elements made by umount_of().
inline Json umount(std::vector<Json> list) {
  return {{"message", "umountSyscallRequest"}, {"payload", std::move(list)}};
}
/// Of elements made by owner_of().
inline Json chown(std::vector<Json> list) {
  return {{"message", "chownSyscallRequest"}, {"payload", std::move(list)}};
}
inline Json mount_info() {
  return {{"message", "mountInfoRequest"}, {"payload", nullptr}};
}
inline Json mount_inode(Json mountpoints) {
  return {{"message", "mountInodeRequest"}, {"payload", {{"mountpoints", std::move(mountpoints)}}}};
}

/// `value` is base64, or null. The link itself with `syscall` "lsetxattr".
inline Json setxattr(const std::string& path, const std::string& name, Json value, std::int64_t flags = 0,
                     const std::string& syscall = "setxattr") {
  return {
      {"message", "setxattrSyscallRequest"},
      {"payload",
       {{"syscall", syscall}, {"path", path}, {"name", name}, {"val", std::move(value)}, {"flags", flags}}}};
}
inline Json getxattr(const std::string& path, const std::string& name, std::int64_t size,
                     const std::string& syscall = "getxattr", Json caller = header()) {
  return {{"message", "getxattrSyscallRequest"},
          {"payload",
           {{"Header", std::move(caller)},
            {"syscall", syscall},
            {"path", path},
            {"name", name},
            {"size", size}}}};
}
inline Json removexattr(const std::string& path, const std::string& name,
                        const std::string& syscall = "removexattr") {
  return {{"message", "RemovexattrSyscallRequest"},
          {"payload", {{"syscall", syscall}, {"path", path}, {"name", name}}}};
}
inline Json listxattr(const std::string& path, std::int64_t size, const std::string& syscall = "listxattr",
                      Json caller = header()) {
  return {{"message", "ListxattrSyscallRequest"},
          {"payload", {{"Header", std::move(caller)}, {"syscall", syscall}, {"path", path}, {"size", size}}}};
}

inline Json lookup(const std::string& entry) {
  return {{"message", "lookupRequest"}, {"payload", {{"entry", entry}}}};
}
inline Json open_file(const std::string& file, int flags) {
  return {{"message", "openFileRequest"},
          {"payload", {{"file", file}, {"flags", std::to_string(flags)}, {"mode", "420"}}}};
}
inline Json read_file(const std::string& file, std::int64_t offset = 0, std::int64_t length = 65536) {
  return {{"message", "readFileRequest"}, {"payload", {{"file", file}, {"offset", offset}, {"len", length}}}};
}
/// `data` is base64.
inline Json write_file(const std::string& file, const std::string& data, std::int64_t offset = 0) {
  return {{"message", "writeFileRequest"}, {"payload", {{"file", file}, {"offset", offset}, {"data", data}}}};
}
/// A request to open, read or write a file, on behalf of somebody.
inline Json on_behalf(Json request, Json caller = header()) {
  request["payload"]["header"] = std::move(caller);
  return request;
}
inline Json read_dir(const std::string& dir) {
  return {{"message", "readDirRequest"}, {"payload", {{"dir", dir}}}};
}
inline Json read_link(const std::string& link) {
  return {{"message", "readLinkRequest"}, {"payload", {{"link", link}}}};
}

}  // namespace nsenterd::test::message
