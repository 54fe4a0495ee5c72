// The requests that the tests send.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include <nsenterd/message.hpp>

namespace nsenterd::test {

/// A request as clients write it (support/message_requests.hpp).
inline Message message_of(const nlohmann::json& request) {
  return {request.at("message").get<std::string>(), request.at("payload")};
}

/// Which private mount a request asks for.
enum class Through { container, procfs, sysfs };

namespace request {

inline nlohmann::json through(Through where, nlohmann::json payload) {
  payload["MountProcfs"] = where == Through::procfs;
  payload["MountSysfs"] = where == Through::sysfs;
  return payload;
}

inline Message lookup(std::string_view path, Through where = Through::container) {
  return {"lookupRequest", through(where, {{"entry", path}})};
}
inline Message open_file(std::string_view path, int flags, Through where = Through::container) {
  return {"openFileRequest",
          through(where, {{"file", path}, {"flags", std::to_string(flags)}, {"mode", "420"}})};
}
inline Message read_file(std::string_view path, Through where = Through::container, std::int64_t offset = 0,
                         std::int64_t length = 65536) {
  return {"readFileRequest", through(where, {{"file", path}, {"offset", offset}, {"len", length}})};
}
/// `data` is base64.
inline Message write_file(std::string_view path, std::string_view data, Through where = Through::container,
                          std::int64_t offset = 0) {
  return {"writeFileRequest", through(where, {{"file", path}, {"offset", offset}, {"data", data}})};
}
/// A request about a file's contents, on behalf of a caller without capabilities.
inline Message on_behalf(Message message) {
  message.payload["header"] = {{"root", "/"}, {"cwd", "/"}, {"capabilities", {0, 0}}};
  return message;
}
inline Message read_dir(std::string_view path, Through where = Through::container) {
  return {"readDirRequest", through(where, {{"dir", path}})};
}
inline Message read_link(std::string_view path, Through where = Through::container) {
  return {"readLinkRequest", through(where, {{"link", path}})};
}
inline Message sleep_for(int seconds) {
  return {"sleepRequest", {{"attr", std::to_string(seconds)}}};
}

}  // namespace request
}  // namespace nsenterd::test
