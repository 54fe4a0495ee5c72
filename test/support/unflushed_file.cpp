#include "support/unflushed_file.hpp"

#include <cerrno>
#include <cstring>
#include <system_error>
#include <vector>

#include <fcntl.h>
#include <linux/fuse.h>
#include <poll.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "support/mount_namespace.hpp"

namespace nsenterd::test {
namespace {

constexpr std::uint64_t kFile = 2;

fuse_attr attributes_of(std::uint64_t node) {
  fuse_attr attributes{};
  attributes.ino = node;
  attributes.mode = node == kFile ? S_IFREG | 0666U : S_IFDIR | 0755U;
  attributes.nlink = 1;
  return attributes;
}

template <class Body>
void answer(int device, std::uint64_t unique, const Body& body) {
  std::vector<char> message(sizeof(fuse_out_header) + sizeof body);
  const fuse_out_header header{static_cast<std::uint32_t>(message.size()), 0, unique};
  std::memcpy(message.data(), &header, sizeof header);
  std::memcpy(message.data() + sizeof header, &body, sizeof body);
  if (::write(device, message.data(), message.size()) < 0) return;
}

void refuse(int device, std::uint64_t unique) {
  const fuse_out_header header{sizeof header, -ENOSYS, unique};
  if (::write(device, &header, sizeof header) < 0) return;
}

}  // namespace

UnflushedFile::UnflushedFile(const Container& container, std::string directory)
    : container_(container.pid()),
      directory_(std::move(directory)),
      device_(::open("/dev/fuse", O_RDWR | O_CLOEXEC | O_NONBLOCK)) {
  if (!device_) throw std::system_error(errno, std::generic_category(), "/dev/fuse");
  const std::string options =
      "fd=" + std::to_string(device_.get()) + ",rootmode=40000,user_id=0,group_id=0,allow_other";
  run_in_mount_namespace(container_, "mount FUSE at " + directory_, [&] {
    const bool mounted =
        ::mount("unflushed", directory_.c_str(), "fuse", MS_NOSUID | MS_NODEV, options.c_str()) == 0;
    return mounted ? 0 : errno;
  });
  server_ = std::thread([this] { serve(); });
}

UnflushedFile::~UnflushedFile() {
  ended_ = true;
  server_.join();
  device_.reset();
  try {
    run_in_mount_namespace(container_, "umount",
                           [&] { return ::umount2(directory_.c_str(), MNT_DETACH) == 0 ? 0 : errno; });
  } catch (const std::system_error&) {
    // The container has ended, and its mounts with it.
  }
}

void UnflushedFile::serve() {
  std::vector<char> buffer(1U << 20U);
  while (!ended_) {
    pollfd readable{device_.get(), POLLIN, 0};
    ::poll(&readable, 1, 20);
    if (::read(device_.get(), buffer.data(), buffer.size()) < static_cast<ssize_t>(sizeof(fuse_in_header)))
      continue;
    fuse_in_header request{};
    std::memcpy(&request, buffer.data(), sizeof request);
    if (silent_) {
      if (request.opcode == FUSE_FLUSH) ++waiting_;
      continue;
    }
    switch (request.opcode) {
      case FUSE_INIT: {
        fuse_init_out out{};
        out.major = FUSE_KERNEL_VERSION;
        out.minor = FUSE_KERNEL_MINOR_VERSION;
        out.max_write = 4096;
        answer(device_.get(), request.unique, out);
        break;
      }
      case FUSE_LOOKUP: {
        fuse_entry_out out{};
        out.nodeid = kFile;
        out.attr = attributes_of(kFile);
        answer(device_.get(), request.unique, out);
        break;
      }
      case FUSE_GETATTR: {
        fuse_attr_out out{};
        out.attr = attributes_of(request.nodeid);
        answer(device_.get(), request.unique, out);
        break;
      }
      case FUSE_OPEN: answer(device_.get(), request.unique, fuse_open_out{}); break;
      case FUSE_STATFS: answer(device_.get(), request.unique, fuse_statfs_out{}); break;
      case FUSE_FLUSH: ++waiting_; break;
      case FUSE_FORGET:
      case FUSE_BATCH_FORGET:
      case FUSE_INTERRUPT: break;
      default: refuse(device_.get(), request.unique);
    }
  }
}

}  // namespace nsenterd::test
