// What the service sends on the event's socket (runs inside the container).
#pragma once

#include <array>
#include <cstddef>

namespace nsenterd::agent {

/// Reads ahead only where that is asked for: what comes with a credentials frame is lost when its bytes are read otherwise
/// (wire/credentials.hpp).
class Input {
 public:
  /// Waits, and takes what there is of a short request, or the begin of a long one. False at end-of-file, and on errors.
  bool fill() noexcept;
  /// Exactly that many bytes. False as fill().
  bool read(void* out, std::size_t size) noexcept;

 private:
  // So small that it does not take another page of the stack: each is a page fault for an agent that serves once.
  std::array<char, 512> ahead_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace nsenterd::agent
