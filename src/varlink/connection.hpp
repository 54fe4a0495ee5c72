// The server's end of one connection: calls in, one after the other, and replies out (daemon, and test
// servers).
#pragma once

#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>

#include "base/foreign_fd.hpp"
#include "base/unique_fd.hpp"
#include "varlink/call.hpp"
#include "varlink/limits.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::varlink {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using ClosedHandler = std::function<void(const std::shared_ptr<Connection>&)>;

  /// A peer that is not authorized gets PermissionDenied for its first bytes, which nobody looks at. `dispatch` gets every call; the next one when the last reply to it has been given. `closed` is called
  /// once, when the connection has ended, by whichever side; whoever owns it lets it go then.
  Connection(const boost::asio::any_io_executor& executor, base::UniqueFd socket,
             std::shared_ptr<const Peer> peer, bool authorized, const Limits& limits, Handler dispatch,
             ClosedHandler closed);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  [[nodiscard]] const Peer& peer() const noexcept { return *peer_; }

  /// Begins to read.
  void start();
  /// Ends the connection now. What the call under way started is told so.
  void close();

 private:
  friend class Call;

  using Received = wire::ReceivedDescriptors<wire::kKernelMaxDescriptors, base::ForeignFd>;

  struct Output {
    std::string text;
    std::size_t sent = 0;
    std::vector<base::ForeignFd> descriptors;
  };

  void read();
  void on_readable();
  /// Takes what has arrived; false when there is no more for now, or the connection has been closed.
  bool receive();
  bool claim_descriptors(Received& received, bool at_message_start);
  void next_call();
  void begin_call(std::string_view text);

  void send(std::string text, std::vector<base::ForeignFd> descriptors);
  void finish_call();
  void write();
  /// Refuses what the client sent, and ends the connection when that has been written.
  void refuse(std::string_view parameter);
  void end_with(std::string text);

  boost::asio::posix::stream_descriptor socket_;
  std::shared_ptr<const Peer> peer_;
  bool authorized_;
  Limits limits_;
  Handler dispatch_;
  ClosedHandler closed_;

  std::string input_;
  // Where in input_ the message begins that is next, and how far it has been searched for its end.
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
  std::vector<base::ForeignFd> descriptors_;
  std::weak_ptr<Call> call_;
  bool busy_ = false;
  bool dispatching_ = false;
  bool reading_ = false;

  std::deque<Output> output_;
  bool writing_ = false;
  bool closing_ = false;
};

}  // namespace nsenterd::varlink
