// The request to sleep (client's side).
#include "client/requests/encode.hpp"

namespace nsenterd::requests {

Message Sleep::message() const {
  wire::Json payload = wire::Json::object();
  payload["attr"] = std::to_string(seconds);
  return {"sleepRequest", std::move(payload)};
}
ClientResult<std::monostate> Sleep::decode(nsenterd::Response& response) {
  return client::done(response, "sleepResponse");
}

}  // namespace nsenterd::requests
