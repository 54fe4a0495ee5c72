// Carries requests to the daemon, one after the other, as the options say (nsenterctl).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nsenterd/envelope.hpp>

#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "cli/progress.hpp"
#include "client/connection.hpp"

namespace nsenterd::cli {

class Session {
 public:
  /// The options must outlive the session.
  explicit Session(const Options& options) : options_(&options), uid_(options.uid), gid_(options.gid) {}

  /// Makes later requests on behalf of this user and group, as this process's user namespace numbers them.
  void act_for(std::optional<std::uint32_t> uid, std::optional<std::uint32_t> gid) {
    uid_ = uid;
    gid_ = gid;
  }

  /// What the user is shown of requests that take long.
  Progress& progress() noexcept { return progress_; }

  /// Calls a method of the daemon. The first call connects, so that what is wrong with a command is said without
  /// the daemon.
  Outcome<client::Reply> call(std::string_view method, const wire::Json& parameters,
                              std::span<const int> descriptors = {});

  /// The same with "more": hands over every reply as it comes, up to the last one. Only for the first there is a
  /// deadline.
  Outcome<void> follow(std::string_view method, const wire::Json& parameters,
                       const std::function<Outcome<void>(const wire::Json& reply)>& each);

  /// Carries a request into the namespaces of the process that the options name, and further ones after it. The last response may
  /// be an errorResponse.
  Outcome<Response> send_request(wire::Json request, std::vector<wire::Json> following = {});

 private:
  Outcome<void> connect();
  [[nodiscard]] wire::Json event_parameters(wire::Json request) const;

  const Options* options_;
  Progress progress_;
  std::optional<std::uint32_t> uid_;
  std::optional<std::uint32_t> gid_;
  std::optional<client::Connection> connection_;
};

wire::Json to_json(const Message& message);

/// Says that what the daemon sent makes no sense.
Stop unexpected_answer(std::string_view what);

}  // namespace nsenterd::cli
