// Carries requests to the daemon, one after the other, as the options say (nsenterctl).
#pragma once

#include <nsenterd/message.hpp>

#include "cli/options.hpp"
#include "cli/outcome.hpp"
#include "client/connection.hpp"

namespace nsenterd::cli {

class Session {
 public:
  /// Connects. The options must outlive the session.
  static Outcome<Session> open(const Options& options);

  /// Calls a method of the daemon.
  Outcome<client::Reply> call(std::string_view method, const wire::Json& parameters);

  /// Carries a request into the namespaces of the process that the options name. The response may be an
  /// errorResponse.
  Outcome<Message> send_request(wire::Json request);

 private:
  Session(const Options& options, client::Connection connection)
      : options_(&options), connection_(std::move(connection)) {}

  [[nodiscard]] wire::Json event_parameters(wire::Json request) const;

  const Options* options_;
  client::Connection connection_;
};

/// Stops unless the response is of this type.
Outcome<void> check_response(const Message& response, std::string_view type);

/// Says that what the daemon sent makes no sense.
Stop unexpected_answer(std::string_view what);

}  // namespace nsenterd::cli
