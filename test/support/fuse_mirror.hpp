// A FUSE filesystem that works.
#pragma once

#include <filesystem>
#include <string>

#include <sys/types.h>

#include "support/container.hpp"
#include "support/temporary_directory.hpp"

namespace nsenterd::test {

/// A directory of the host, served by bindfs(1) and mounted over a directory of a container; every user may use it.
class FuseMirror {
 public:
  /// Throws std::system_error or std::runtime_error.
  FuseMirror(const Container& container, std::string directory);
  FuseMirror(const FuseMirror&) = delete;
  FuseMirror& operator=(const FuseMirror&) = delete;
  ~FuseMirror();

  /// The host's path of the directory that is served.
  [[nodiscard]] std::filesystem::path source() const { return base_ / "source"; }

 private:
  void remove() noexcept;

  pid_t container_;
  std::string directory_;
  TemporaryDirectory base_;
};

}  // namespace nsenterd::test
