#include "support/fuse_mirror.hpp"

#include <cerrno>

#include <sys/mount.h>
#include <unistd.h>

#include "support/command.hpp"
#include "support/mount_namespace.hpp"

namespace nsenterd::test {

namespace fs = std::filesystem;

FuseMirror::FuseMirror(const Container& container, std::string directory)
    : container_(container.pid()), directory_(std::move(directory)) {
  try {
    fs::create_directory(source());
    fs::create_directory(base_ / "mounted");
    // It returns when the filesystem serves, and stays in the background.
    output_of({"bindfs", "-o", "allow_other", source().string(), (base_ / "mounted").string()});
    share_mount(container_, base_ / "mounted", directory_);
  } catch (...) {
    remove();
    throw;
  }
}

FuseMirror::~FuseMirror() {
  remove();
}

void FuseMirror::remove() noexcept {
  try {
    run_in_mount_namespace(container_, "umount",
                           [&] { return ::umount2(directory_.c_str(), MNT_DETACH) == 0 ? 0 : errno; });
  } catch (const std::exception&) {
    // The container has ended, and its mounts with it.
  }
  // bindfs ends when nothing of it is mounted any more.
  ::umount2((base_ / "mounted").c_str(), MNT_DETACH);
}

}  // namespace nsenterd::test
