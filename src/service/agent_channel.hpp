// The daemon's end of the socketpair to one agent: frames out and in, never blocking.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include <nsenterd/unique_fd.hpp>

#include "base/foreign_fd.hpp"
#include "base/result.hpp"
#include "wire/credentials.hpp"
#include "wire/descriptors.hpp"
#include "wire/frame.hpp"
#include "wire/module_call.hpp"

namespace nsenterd::service {

struct Frame {
  wire::FrameKind kind{};
  std::string body;
  std::vector<base::ForeignFd> descriptors;
  /// What the agent says that the operation took.
  std::chrono::nanoseconds took{};
};

class AgentChannel : public std::enable_shared_from_this<AgentChannel> {
 public:
  /// Called when frames may have arrived, or the agent has closed its end.
  using Handler = std::function<void()>;

  /// `longest_frame` is of a body, in bytes.
  AgentChannel(const boost::asio::any_io_executor& executor, Handler handler,
               std::size_t longest_frame = wire::kMaxFrame)
      : socket_(executor), handler_(std::move(handler)), longest_frame_(longest_frame) {}

  /// Takes the socket over, first of all. Fails where the kernel does not let the event loop watch another descriptor.
  base::Result<void> open(UniqueFd socket);
  /// Begins to wait for frames; the handler is called until close().
  void start();
  void close();
  /// Whom to tell from now on.
  void set_handler(Handler handler) { handler_ = std::move(handler); }

  /// Sends on whose behalf the request is made, before it. False with errno.
  bool send_credentials(const wire::Credentials& credentials) noexcept {
    return wire::send_credentials(socket_.native_handle(), credentials);
  }

  /// Sends a frame, what the socket does not take at once as soon as it does. Descriptors may go with one that does not wait for
  /// others. False with errno: EPIPE or ECONNRESET if the peer is seen to be gone; its exit says more.
  bool send(wire::FrameKind kind, std::string_view body, std::span<const int> descriptors = {});

  /// The next frame that has arrived whole; nothing if there is none (yet), or after end-of-file. One that is longer than
  /// it may be is answered with a frame of no kind, once.
  std::optional<Frame> receive();

 private:
  class Again;

  void wait();
  bool flush();
  /// The same, of the first bytes that there are.
  bool flush_with(std::span<const int> descriptors);
  bool fill();
  /// Takes the first frame off, which is there whole with that many bytes.
  std::string take_body(std::size_t whole);
  std::vector<base::ForeignFd> take_descriptors();

  boost::asio::posix::stream_descriptor socket_;
  Handler handler_;
  std::size_t longest_frame_;
  std::string output_;
  std::string input_;
  bool ended_ = false;
  wire::ReceivedDescriptors<wire::kMaxModuleDescriptors, base::ForeignFd> descriptors_;
  // How much of the input ends with the last byte that is known to be of the frame which the descriptors belong to; 0 where
  // there are none.
  std::size_t described_ = 0;
};

}  // namespace nsenterd::service
