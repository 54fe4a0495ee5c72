// Files: openat2, writeFile, readFile, openFile, lookup, readDir, readLink.
#include <algorithm>

#include <fcntl.h>
#include <sys/stat.h>

#include "messages.hpp"

namespace client_messages {

using namespace nsenterd::requests;

// The file itself comes: what is done with the descriptor happens to the container's file, at no further request.
std::string openat2(Container& container) {
  const Openat2 request{.path = kFile, .flags = O_CREAT | O_TRUNC | O_RDWR, .mode = 0644};
  const nsenterd::UniqueFd file = container.client.request(container.envelope, request).value();
  struct stat status {};
  expect(::fstat(file.get(), &status) == 0 && S_ISREG(status.st_mode), "what was opened is no file");
  return "created " + request.path + ", inode " + std::to_string(status.st_ino);
}

std::string write_file(Container& container) {
  container.client.request(container.envelope, WriteFile{.path = kFile, .data = kContent}).value();
  return std::string("wrote to ") + kFile;
}

std::string read_file(Container& container) {
  const std::string content = container.client.request(container.envelope, ReadFile{.path = kFile}).value();
  expect(content == kContent, "not what was written");
  return "read " + std::to_string(content.size()) + " bytes";
}

// A procfs of the container's own namespaces, without the masks and the read-only mounts that container runtimes put there. Nobody
// else sees it.
std::string open_file(Container& container) {
  const OpenFile request{
      .path = "/proc/sys/net/core/somaxconn", .flags = O_RDWR, .private_mounts = {.procfs = true}};
  container.client.request(container.envelope, request).value();
  return request.path + " may be opened for writing";
}

std::string lookup(Container& container) {
  const FileInfo info = container.client.request(container.envelope, Lookup{.path = kFile}).value();
  expect(info.name == "client-messages" && S_ISREG(info.status.st_mode), "another file");
  return info.name + " has " + std::to_string(info.status.st_size) + " bytes";
}

std::string read_dir(Container& container) {
  const auto entries = container.client.request(container.envelope, ReadDir{.path = "/tmp"}).value();
  const bool found = std::any_of(entries.begin(), entries.end(),
                                 [](const FileInfo& info) { return info.name == "client-messages"; });
  expect(found, "the file is not there");
  return "/tmp has " + std::to_string(entries.size()) + " entries";
}

std::string read_link(Container& container) {
  const ReadLink request{.path = "/sys/class/net/lo", .private_mounts = {.sysfs = true}};
  const std::string target = container.client.request(container.envelope, request).value();
  expect(target == "../../devices/virtual/net/lo", "another link");
  return request.path + " leads to " + target;
}

}  // namespace client_messages
