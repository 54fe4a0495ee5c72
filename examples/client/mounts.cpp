// Mounts, and a place in the namespaces: mount, mountInfo, mountInode, umount, sleep.
#include <sys/mount.h>

#include "messages.hpp"

namespace client_messages {

using namespace nsenterd::requests;

std::string mount(Container& container) {
  const Mount request{.entries = {{.source = "none",
                                   .target = kMountPoint,
                                   .type = "tmpfs",
                                   .flags = MS_NODEV | MS_NOSUID,
                                   .data = "size=1m"}}};
  container.client.request(container.envelope, request).value();
  return std::string("mounted a tmpfs at ") + kMountPoint;
}

std::string mount_info(Container& container) {
  const std::string table = container.client.request(container.envelope, MountInfo{}).value();
  expect(table.find(std::string(" ") + kMountPoint + " rw,nosuid,nodev") != std::string::npos,
         "the tmpfs is not there");
  return "a mount table of " + std::to_string(table.size()) + " bytes";
}

std::string mount_inode(Container& container) {
  const MountInode request{.mountpoints = {kMountPoint, "/does/not/exist"}};
  const auto inodes = container.client.request(container.envelope, request).value();
  expect(inodes.size() == 2 && inodes[0] != 0 && inodes[1] == 0, "other inodes");
  return request.mountpoints[0] + " has inode " + std::to_string(inodes[0]);
}

std::string umount(Container& container) {
  container.client.request(container.envelope, Umount{.entries = {{.target = kMountPoint}}}).value();
  return std::string("unmounted ") + kMountPoint;
}

// Its use is in events.cpp.
std::string sleep(Container& container) {
  container.client.request(container.envelope, Sleep{.seconds = 1}).value();
  return "slept for a second";
}

}  // namespace client_messages
