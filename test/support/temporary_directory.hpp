// A directory of the host for the time of a test.
#pragma once

#include <filesystem>
#include <string_view>

namespace nsenterd::test {

/// Made empty, for every user to look into: containers' processes and users who are not root have to get through. Removed with what is in
/// it.
class TemporaryDirectory {
 public:
  /// Throws std::system_error.
  TemporaryDirectory();
  TemporaryDirectory(const TemporaryDirectory&) = delete;
  TemporaryDirectory& operator=(const TemporaryDirectory&) = delete;
  ~TemporaryDirectory();

  [[nodiscard]] const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// The path of a file in it.
inline std::filesystem::path operator/(const TemporaryDirectory& directory, std::string_view name) {
  return directory.path() / name;
}

}  // namespace nsenterd::test
