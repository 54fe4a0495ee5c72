#include "service/agent_channel.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include <sys/socket.h>

#include "service/take_over.hpp"

namespace nsenterd::service {

using boost::asio::posix::descriptor_base;

namespace {

/// An agent says that it took longer only to see sums overflow. In nanoseconds, some days.
constexpr std::uint64_t kLongest = 1'000'000'000'000'000;

/// A frame of so many bytes is not copied.
constexpr std::size_t kLong = 65536;

}  // namespace

base::Result<void> AgentChannel::open(UniqueFd socket) {
  return take_over(socket_, std::move(socket));
}

/// Waits on when a handler has been called, unless it has closed the channel.
class AgentChannel::Again {
 public:
  explicit Again(AgentChannel& channel) : channel_(channel) {}
  Again(const Again&) = delete;
  Again& operator=(const Again&) = delete;
  ~Again() {
    if (channel_.handler_ && !channel_.ended_) channel_.wait();
  }

 private:
  AgentChannel& channel_;
};

void AgentChannel::start() {
  wait();
}

void AgentChannel::close() {
  handler_ = nullptr;
  boost::system::error_code ignored;
  socket_.close(ignored);
}

void AgentChannel::wait() {
  socket_.async_wait(descriptor_base::wait_read,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (error || !self->handler_) return;
                       // Also where a handler of the embedding program throws: another event may use this channel by then.
                       const Again again(*self);
                       // A copy: the handler may close this channel.
                       const Handler handler = self->handler_;
                       handler();
                     });
}

bool AgentChannel::send(wire::FrameKind kind, std::string_view body, std::span<const int> descriptors) {
  const wire::FrameHeader header{kind, static_cast<std::uint32_t>(body.size()), 0};
  output_.reserve(output_.size() + sizeof header + body.size());
  output_.append(reinterpret_cast<const char*>(&header), sizeof header);
  output_.append(body);
  return descriptors.empty() ? flush() : flush_with(descriptors);
}

bool AgentChannel::flush_with(std::span<const int> descriptors) {
  iovec part{output_.data(), output_.size()};
  const ssize_t sent = wire::send_with_descriptors(socket_.native_handle(), {&part, 1}, descriptors,
                                                   MSG_NOSIGNAL | MSG_DONTWAIT);
  // Descriptors do not wait for room.
  if (sent < 0) {
    output_.clear();
    return false;
  }
  output_.erase(0, static_cast<std::size_t>(sent));
  return output_.empty() || flush();
}

bool AgentChannel::flush() {
  std::size_t sent = 0;
  while (sent < output_.size()) {
    const ssize_t done = ::send(socket_.native_handle(), output_.data() + sent, output_.size() - sent,
                                MSG_NOSIGNAL | MSG_DONTWAIT);
    if (done < 0 && errno == EINTR) continue;
    if (done < 0 && errno == EAGAIN) break;
    if (done < 0) {
      output_.clear();
      return false;
    }
    sent += static_cast<std::size_t>(done);
  }
  output_.erase(0, sent);
  if (output_.empty()) return true;
  socket_.async_wait(descriptor_base::wait_write,
                     [self = shared_from_this()](const boost::system::error_code& error) {
                       if (!error && self->handler_) self->flush();
                     });
  return true;
}

bool AgentChannel::fill() {
  constexpr std::size_t kMinimum = 4096;
  constexpr std::size_t kMaximum = 1U << 20U;
  const std::size_t filled = input_.size();
  // Grows with what has come, never with what a header promises.
  input_.resize(filled + std::clamp(filled, kMinimum, kMaximum));
  const ssize_t got = wire::receive_with_descriptors(
      socket_.native_handle(), {input_.data() + filled, input_.size() - filled}, descriptors_, MSG_DONTWAIT);
  input_.resize(filled + static_cast<std::size_t>(std::max(got, ssize_t{0})));
  // It came with the first byte of its frame, and what is read at once ends with that frame at the latest (unix(7)). So the last
  // byte that there is now is that frame's.
  if (described_ == 0 && descriptors_.size() > 0) described_ = input_.size();
  if (got == 0 || (got < 0 && errno != EAGAIN)) ended_ = true;
  return got > 0;
}

std::string AgentChannel::take_body(std::size_t whole) {
  std::string body;
  if (whole == input_.size() && whole > kLong) {
    // Moving it within its memory takes less than copying it to some that is not there yet.
    body = std::exchange(input_, {});
    body.erase(0, sizeof(wire::FrameHeader));
  } else {
    body = input_.substr(sizeof(wire::FrameHeader), whole - sizeof(wire::FrameHeader));
    input_.erase(0, whole);
  }
  return body;
}

std::vector<base::ForeignFd> AgentChannel::take_descriptors() {
  std::vector<base::ForeignFd> taken;
  for (std::size_t i = 0; i < descriptors_.size(); ++i) taken.push_back(descriptors_.take(i));
  descriptors_.clear();
  return taken;
}

std::optional<Frame> AgentChannel::receive() {
  for (;;) {
    wire::FrameHeader header{};
    if (input_.size() >= sizeof header) {
      std::memcpy(&header, input_.data(), sizeof header);
      if (header.length > longest_frame_) {
        ended_ = true;
        input_.clear();
        return Frame{};
      }
      const std::size_t whole = sizeof header + header.length;
      if (input_.size() >= whole) {
        Frame frame{header.kind,
                    take_body(whole),
                    {},
                    std::chrono::nanoseconds(std::min(header.nanoseconds, kLongest))};
        if (described_ > whole) {
          described_ -= whole;
        } else if (std::exchange(described_, 0) > 0) {
          frame.descriptors = take_descriptors();
        }
        return frame;
      }
    }
    if (ended_ || !fill()) return std::nullopt;
  }
}

}  // namespace nsenterd::service
