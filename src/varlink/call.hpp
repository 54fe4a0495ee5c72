// One Varlink call under way, as its method's handler sees it (daemon, and test servers).
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <sys/types.h>

#include <nsenterd/unique_fd.hpp>

#include "base/foreign_fd.hpp"
#include "varlink/call_message.hpp"

namespace nsenterd::varlink {

class Connection;
struct CallEnd;

/// Who sits at the other end of a connection, by the kernel's word (SO_PEERCRED, SO_PEERGROUPS, SO_PEERPIDFD, unix(7)).
struct Peer {
  /// As our own namespaces number them. The process may have ended, and may have handed its end to another.
  /// 0 if the process has ended.
  pid_t pid = 0;
  uid_t uid = 0;
  gid_t gid = 0;
  /// Its supplementary groups when it connected; not asked for where it is root.
  std::vector<gid_t> groups = {};
  /// Empty where the kernel cannot tell (before Linux 6.5).
  UniqueFd pidfd;
  /// Whether it was in our user namespace when it was accepted: then it is no process of a container that has one of its own,
  /// whatever its ids. False where it had ended.
  bool in_own_user_namespace = false;
};

/// When a call came.
struct CallTimes {
  using Clock = std::chrono::steady_clock;

  /// The last piece of it began to be read from the socket; where it came together with the call before, that one was done.
  Clock::time_point accepted;
  /// It had been read.
  Clock::time_point read;
  /// The socket had the last reply, as far as it took it.
  Clock::time_point replied;
};

/// Kept by its handler until the last reply. A call that is dropped without one ends its connection. All
/// replies to a oneway call are swallowed, and so are those that come when the client has gone.
class Call {
 public:
  Call(std::weak_ptr<Connection> connection, std::shared_ptr<const Peer> peer, CallMessage message,
       std::vector<base::ForeignFd> descriptors, const CallTimes& times);
  ~Call();
  Call(const Call&) = delete;
  Call& operator=(const Call&) = delete;

  [[nodiscard]] const std::string& method() const noexcept { return message_.method; }
  [[nodiscard]] Json& parameters() noexcept { return message_.parameters; }
  [[nodiscard]] const Json& parameters() const noexcept { return message_.parameters; }
  [[nodiscard]] bool more() const noexcept { return message_.more; }
  [[nodiscard]] bool upgrade() const noexcept { return message_.upgrade; }
  [[nodiscard]] const CallTimes& times() const noexcept { return times_; }
  [[nodiscard]] const Peer& peer() const noexcept { return *peer_; }
  /// The same. Every connection has a Peer of its own, whose address identifies it as long as somebody holds it.
  [[nodiscard]] const std::shared_ptr<const Peer>& shared_peer() const noexcept { return peer_; }
  /// Claims a descriptor that came with the call; empty if there is none of that index. Those left are
  /// closed.
  [[nodiscard]] base::ForeignFd take_descriptor(std::size_t index) noexcept;

  /// For a method that has no parameters: whether the call has none. One that has some has been refused.
  bool expect_no_parameters();
  /// Whether there is still somebody to reply to.
  [[nodiscard]] bool is_connected() const noexcept;

  /// The last reply. `parameters` is the text of a JSON object.
  void reply(std::string_view parameters = "{}", std::vector<base::ForeignFd> descriptors = {});
  /// A reply that others follow; only to a call with `more`.
  void reply_continues(std::string_view parameters);
  /// `name` is a whole one, such as "io.nsenterd.TimedOut".
  void error(std::string_view name, const Json& parameters = Json::object());
  void invalid_parameter(std::string_view name);

  /// What the call is about, for the server's observer; kept for as long as the call. It knows the type.
  void set_subject(std::shared_ptr<const void> subject) noexcept { subject_ = std::move(subject); }
  [[nodiscard]] const void* subject() const noexcept { return subject_.get(); }

  /// Called at most once: when the connection ends before the last reply, also from within reply_continues().
  void on_abandoned(std::function<void()> handler) { on_abandoned_ = std::move(handler); }

 private:
  friend class Connection;
  /// The last reply, an error or none.
  void finish(std::string text, std::vector<base::ForeignFd> descriptors, const CallEnd& end);
  void abandon();

  std::weak_ptr<Connection> connection_;
  std::shared_ptr<const Peer> peer_;
  CallMessage message_;
  std::vector<base::ForeignFd> descriptors_;
  CallTimes times_;
  std::function<void()> on_abandoned_;
  std::shared_ptr<const void> subject_;
  bool replied_ = false;
};

/// Serves one method. Replies now or later, from the event loop.
using Handler = std::function<void(std::shared_ptr<Call>)>;

}  // namespace nsenterd::varlink
