#include "wire/json.hpp"

#include <stdexcept>
#include <utility>
#include <vector>

namespace nsenterd::wire {
namespace {

/// Builds the value from the parser's events. The library's own builder silently lets the last of two equal
/// keys win, and has no limit of depth.
class StrictBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit StrictBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  Json root;
  std::string reason;

  bool null() override { return add(nullptr); }
  bool boolean(bool value) override { return add(value); }
  bool number_integer(number_integer_t value) override { return add(value); }
  bool number_unsigned(number_unsigned_t value) override { return add(value); }
  bool number_float(number_float_t value, const string_t& /*text*/) override { return add(value); }
  bool string(string_t& value) override { return add(std::move(value)); }
  bool binary(binary_t& /*value*/) override { return refuse("binary value"); }
  bool start_object(std::size_t /*elements*/) override { return open(Json::object()); }
  bool start_array(std::size_t /*elements*/) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    const auto [position, inserted] =
        open_.back()->get_ref<Json::object_t&>().try_emplace(std::move(name), nullptr);
    if (!inserted) return refuse("duplicate key");
    member_ = &position->second;
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::detail::exception& /*error*/) override {
    return refuse("malformed at byte " + std::to_string(position));
  }

 private:
  bool add(Json value) { return place(std::move(value)) != nullptr; }

  Json* place(Json value) {
    Json* where = nullptr;
    if (open_.empty()) {
      where = &root;
    } else if (member_ != nullptr) {
      where = std::exchange(member_, nullptr);
    } else {
      auto& array = open_.back()->get_ref<Json::array_t&>();
      where = &array.emplace_back();
    }
    *where = std::move(value);
    return where;
  }

  bool open(Json container) {
    if (open_.size() == max_depth_) return refuse("nested too deeply");
    open_.push_back(place(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool refuse(std::string why) {
    reason = std::move(why);
    return false;
  }

  std::size_t max_depth_;
  // The containers that are not closed yet. An array grows only while it is the innermost of them, so no
  // pointer to an element of it is held then.
  std::vector<Json*> open_;
  Json* member_ = nullptr;
};

}  // namespace

void throw_exception_from_error(const JsonError& error, const boost::source_location& /*where*/) {
  throw std::runtime_error(error.reason);
}

boost::system::result<Json, JsonError> parse_json(std::string_view text, std::size_t max_depth) {
  // The library takes a NUL for the end of the text, whatever follows it.
  if (const auto nul = text.find('\0'); nul != std::string_view::npos) {
    return {boost::system::in_place_error, JsonError{"malformed at byte " + std::to_string(nul + 1)}};
  }
  StrictBuilder builder(max_depth);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return {boost::system::in_place_error, JsonError{std::move(builder.reason)}};
  }
  // Said outright: a Json converts to nearly everything.
  return {boost::system::in_place_value, std::move(builder.root)};
}

void append_json(std::string& out, const Json& value) {
  out += value.dump();
}

bool is_utf8(std::string_view bytes) noexcept {
  const auto* at = reinterpret_cast<const unsigned char*>(bytes.data());
  const auto* const end = at + bytes.size();
  while (at != end) {
    const unsigned lead = *at++;
    if (lead < 0x80) continue;
    int trailing = 0;
    unsigned code = 0;
    unsigned smallest = 0;
    if ((lead & 0xE0U) == 0xC0) {
      trailing = 1, code = lead & 0x1FU, smallest = 0x80;
    } else if ((lead & 0xF0U) == 0xE0) {
      trailing = 2, code = lead & 0x0FU, smallest = 0x800;
    } else if ((lead & 0xF8U) == 0xF0) {
      trailing = 3, code = lead & 0x07U, smallest = 0x10000;
    } else {
      return false;
    }
    for (; trailing > 0; --trailing) {
      if (at == end || (*at & 0xC0U) != 0x80) return false;
      code = (code << 6U) | (*at++ & 0x3FU);
    }
    const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
    if (code < smallest || code > 0x10FFFF || surrogate) return false;
  }
  return true;
}

}  // namespace nsenterd::wire
