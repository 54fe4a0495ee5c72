#include <array>
#include <memory>
#include <stdexcept>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "process.hpp"
#include "way.hpp"

namespace nsenterd::bench {
namespace {

class Direct final : public Way {
 public:
  explicit Direct(const Request& request) : request_(request), buffer_(request.length) {}

  void run(std::size_t events, Samples& samples) override {
    for (std::size_t i = 0; i < events; ++i) {
      const auto begin = Clock::now();
      if (!(request_.is_directory ? list() : read())) throw_errno(request_.path);
      const auto time = std::chrono::nanoseconds(Clock::now() - begin);
      samples.answered.push_back(static_cast<std::uint64_t>(time.count()));
    }
  }

 private:
  bool read() {
    const UniqueFd file(::open(request_.path.c_str(), O_RDONLY | O_CLOEXEC));
    return ::read(file.get(), buffer_.data(), buffer_.size()) > 0;
  }

  [[nodiscard]] bool list() const {
    const std::unique_ptr<DIR, int (*)(DIR*)> directory(::opendir(request_.path.c_str()), ::closedir);
    if (!directory) return false;
    while (const dirent* entry = ::readdir(directory.get())) {
      struct stat status {};
      if (::fstatat(::dirfd(directory.get()), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) return false;
    }
    return true;
  }

  Request request_;
  std::vector<char> buffer_;
};

}  // namespace

std::unique_ptr<Way> make_direct(const Request& request) {
  return std::make_unique<Direct>(request);
}

}  // namespace nsenterd::bench
