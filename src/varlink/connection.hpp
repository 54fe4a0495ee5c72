// The server's end of one connection: calls in, one after the other, and replies out (daemon, and test
// servers).
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>

#include <nsenterd/unique_fd.hpp>

#include "base/foreign_fd.hpp"
#include "varlink/call.hpp"
#include "varlink/limits.hpp"
#include "varlink/observer.hpp"
#include "wire/descriptors.hpp"

namespace nsenterd::varlink {

class Connection : public std::enable_shared_from_this<Connection> {
 public:
  using ClosedHandler = std::function<void(const std::shared_ptr<Connection>&)>;

  /// A peer that is not authorized gets PermissionDenied for its first bytes, which nobody looks at. `dispatch` gets every call; the next one when the last reply to it has been given. `closed` is called
  /// once, when the connection has ended, by whichever side; whoever owns it lets it go then. The observer, if there is one, outlives
  /// the connection while it is open.
  Connection(boost::asio::posix::stream_descriptor socket, std::shared_ptr<const Peer> peer, bool authorized,
             const Limits& limits, Handler dispatch, ClosedHandler closed, Observer* observer);
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;
  ~Connection() = default;

  [[nodiscard]] const Peer& peer() const noexcept { return *peer_; }

  [[nodiscard]] bool is_open() const noexcept { return socket_.is_open(); }

  /// Begins to read.
  void start();
  /// Begins no more calls, and ends the connection when the one under way has been answered and all replies
  /// written; now, if that is so already.
  void finish();
  /// Ends the connection now. What the call under way started is told so.
  void close();

 private:
  friend class Call;

  using Received = wire::ReceivedDescriptors<wire::kKernelMaxDescriptors, base::ForeignFd>;

  struct Output {
    std::string text;
    std::size_t sent = 0;
    std::vector<base::ForeignFd> descriptors;

    /// What it occupies until it has been sent.
    [[nodiscard]] std::size_t size() const noexcept { return sizeof *this + text.size(); }
  };

  /// What the client is given time for. It is never both.
  enum class Clock : std::uint8_t { stopped, message, reply };

  /// Reads on as soon as there is something, unless the client is to be held back.
  void read();
  /// Whether so much has been sent ahead of the call under way that no more is read.
  [[nodiscard]] bool is_held_back() const noexcept {
    return busy_ && input_.size() - begin_ > limits_.message;
  }
  void watch_for_hangup();
  void on_readable();
  /// Takes what has arrived; false when there is no more for now, or the connection has been closed.
  bool receive();
  bool claim_descriptors(Received& received, bool at_message_start);
  [[nodiscard]] bool may_begin_call() const;
  void next_call();
  void begin_call(std::string_view text);
  /// Lets other connections have their turn before the next call.
  void rest();

  void send(std::string text, std::vector<base::ForeignFd> descriptors);
  void finish_call();
  /// The call under way has ended, which the observer hears of once. It is returned, if anybody still holds it.
  std::shared_ptr<Call> let_go_of_call(const CallEnd& end);
  /// Writes what the socket takes, and waits for room for the rest. Returns whether it took anything.
  bool write();
  void wait_for_room();
  void set_clock(Clock clock);
  void on_late();
  /// Refuses what the client sent, and ends the connection when that has been written.
  void refuse(std::string_view parameter);
  void end_with(std::string_view error, const Json& parameters);

  boost::asio::posix::stream_descriptor socket_;
  std::shared_ptr<const Peer> peer_;
  bool authorized_;
  Limits limits_;
  Handler dispatch_;
  ClosedHandler closed_;
  Observer* observer_;

  std::string input_;
  // Where in input_ the message begins that is next, and how far it has been searched for its end.
  std::size_t begin_ = 0;
  std::size_t searched_ = 0;
  std::vector<base::ForeignFd> descriptors_;
  std::weak_ptr<Call> call_;
  // Of the call that is next.
  CallTimes times_;
  bool busy_ = false;
  bool dispatching_ = false;
  bool resting_ = false;
  bool reading_ = false;
  bool watching_ = false;

  std::deque<Output> output_;
  // What output_ occupies.
  std::size_t pending_ = 0;
  bool writing_ = false;
  // It ends when the output has been written; or not before the call under way has been answered.
  bool closing_ = false;
  bool finishing_ = false;

  boost::asio::steady_timer timer_;
  Clock clock_ = Clock::stopped;
};

}  // namespace nsenterd::varlink
