// Carries requests to the daemon, one after the other, as the options say (nsenterctl).
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include <nsenterd/message.hpp>

#include "base/unique_fd.hpp"
#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "client/connection.hpp"

namespace nsenterd::cli {

/// The response, those to further requests, and the descriptors that came with them.
struct Answer {
  Message response;
  std::vector<Message> following;
  std::vector<base::UniqueFd> descriptors;
};

class Session {
 public:
  /// The options must outlive the session.
  explicit Session(const Options& options) : options_(&options), uid_(options.uid), gid_(options.gid) {}

  /// Makes later requests on behalf of this user and group, as this process's user namespace numbers them.
  void act_for(std::optional<std::uint32_t> uid, std::optional<std::uint32_t> gid) {
    uid_ = uid;
    gid_ = gid;
  }

  /// Calls a method of the daemon. The first call connects, so that what is wrong with a command is said without
  /// the daemon.
  Outcome<client::Reply> call(std::string_view method, const wire::Json& parameters);

  /// The same with "more": hands over every reply as it comes, up to the last one. Only for the first there is a
  /// deadline.
  Outcome<void> follow(std::string_view method, const wire::Json& parameters,
                       const std::function<Outcome<void>(const wire::Json& reply)>& each);

  /// Carries a request into the namespaces of the process that the options name, and further ones after it. The last response may
  /// be an errorResponse.
  Outcome<Answer> send_request(wire::Json request, std::vector<wire::Json> following = {});

 private:
  Outcome<void> connect();
  [[nodiscard]] wire::Json event_parameters(wire::Json request) const;

  const Options* options_;
  std::optional<std::uint32_t> uid_;
  std::optional<std::uint32_t> gid_;
  std::optional<client::Connection> connection_;
};

wire::Json to_json(const Message& message);

/// A response is named after its request: "lookupRequest", "lookupResponse".
std::string response_type(std::string_view request_type);

/// Stops unless the response is of this type.
Outcome<void> check_response(const Message& response, std::string_view type);

/// Says that what the daemon sent makes no sense.
Stop unexpected_answer(std::string_view what);

}  // namespace nsenterd::cli
