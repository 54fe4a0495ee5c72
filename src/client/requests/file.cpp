// Requests about one file: lookup, openFile, readFile, writeFile, readDir, readLink (client's side).
#include <optional>
#include <utility>

#include "client/decode.hpp"
#include "client/requests/encode.hpp"
#include "wire/base64.hpp"
#include "wire/file_info.hpp"

namespace nsenterd::requests {
namespace {

using wire::Json;

timespec to_timespec(const wire::Timespec& time) {
  return {.tv_sec = time.sec, .tv_nsec = time.nsec};
}

FileInfo to_file_info(wire::FileInfo info) {
  FileInfo file{std::move(info.name), {}};
  file.status.st_dev = info.sys.dev;
  file.status.st_ino = info.sys.ino;
  file.status.st_nlink = static_cast<nlink_t>(info.sys.nlink);
  file.status.st_mode = info.sys.mode;
  file.status.st_uid = info.sys.uid;
  file.status.st_gid = info.sys.gid;
  file.status.st_rdev = info.sys.rdev;
  file.status.st_size = info.sys.size;
  file.status.st_blksize = static_cast<blksize_t>(info.sys.blksize);
  file.status.st_blocks = info.sys.blocks;
  file.status.st_atim = to_timespec(info.sys.atim);
  file.status.st_mtim = to_timespec(info.sys.mtim);
  file.status.st_ctim = to_timespec(info.sys.ctim);
  return file;
}

std::optional<std::string> read_text(const Json& payload) {
  const auto* text = payload.get_ptr<const std::string*>();
  return text == nullptr ? std::nullopt : std::optional(*text);
}

/// Who the file is opened for, if that is not the agent itself.
Json with_personality(Json payload, const std::optional<Personality>& personality) {
  if (personality) payload["header"] = client::header_of(*personality);
  return payload;
}

}  // namespace

Message Lookup::message() const {
  return {"lookupRequest", client::file_payload("entry", path, private_mounts)};
}
ClientResult<FileInfo> Lookup::decode(nsenterd::Response& response) {
  return client::read_payload<FileInfo>(response, "lookupResponse",
                                        [](const Json& payload) -> std::optional<FileInfo> {
                                          auto info = client::decode<wire::FileInfo>(payload);
                                          if (!info) return std::nullopt;
                                          return to_file_info(std::move(*info));
                                        });
}

Message OpenFile::message() const {
  Json payload = client::file_payload("file", path, private_mounts);
  payload["flags"] = std::to_string(flags);
  payload["mode"] = std::to_string(mode);
  return {"openFileRequest", with_personality(std::move(payload), personality)};
}
ClientResult<std::monostate> OpenFile::decode(nsenterd::Response& response) {
  return client::done(response, "openFileResponse");
}

Message ReadFile::message() const {
  Json payload = client::file_payload("file", path, private_mounts);
  payload["offset"] = offset;
  payload["len"] = length;
  return {"readFileRequest", with_personality(std::move(payload), personality)};
}
ClientResult<std::string> ReadFile::decode(nsenterd::Response& response) {
  return client::read_payload<std::string>(response, "readFileResponse",
                                           [](const Json& payload) -> std::optional<std::string> {
                                             const auto* text = payload.get_ptr<const std::string*>();
                                             if (text == nullptr) return std::nullopt;
                                             return wire::decode_base64(*text);
                                           });
}

Message WriteFile::message() const {
  Json payload = client::file_payload("file", path, private_mounts);
  payload["offset"] = offset;
  payload["data"] = wire::encode_base64(data);
  return {"writeFileRequest", with_personality(std::move(payload), personality)};
}
ClientResult<std::monostate> WriteFile::decode(nsenterd::Response& response) {
  return client::done(response, "writeFileResponse");
}

Message ReadDir::message() const {
  return {"readDirRequest", client::file_payload("dir", path, private_mounts)};
}
ClientResult<std::vector<FileInfo>> ReadDir::decode(nsenterd::Response& response) {
  using Files = std::vector<FileInfo>;
  return client::read_payload<Files>(response, "readDirResponse",
                                     [](const Json& payload) -> std::optional<Files> {
                                       auto list = client::decode<std::vector<wire::FileInfo>>(payload);
                                       if (!list) return std::nullopt;
                                       Files files;
                                       files.reserve(list->size());
                                       for (wire::FileInfo& info : *list)
                                         files.push_back(to_file_info(std::move(info)));
                                       return files;
                                     });
}

Message ReadLink::message() const {
  return {"readLinkRequest", client::file_payload("link", path, private_mounts)};
}
ClientResult<std::string> ReadLink::decode(nsenterd::Response& response) {
  return client::read_payload<std::string>(response, "readLinkResponse", read_text);
}

}  // namespace nsenterd::requests
