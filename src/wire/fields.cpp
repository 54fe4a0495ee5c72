#include "wire/fields.hpp"

#include "wire/base64.hpp"

namespace nsenterd::wire {

bool Decoder::has(const char* name) const {
  return !failed() && value_.contains(name) && !value_[name].is_null();
}

const Json* Decoder::member(const char* name) {
  if (failed()) return nullptr;
  const auto found = value_.find(name);
  if (found == value_.end()) {
    refuse(name);
    return nullptr;
  }
  return &*found;
}

std::string Decoder::where() const {
  if (parent_ == nullptr) return {};
  std::string path = parent_->where();
  if (name_.empty()) return path + "[" + std::to_string(index_) + "]";
  if (!path.empty()) path += '.';
  return path.append(name_);
}

void Decoder::refuse() {
  if (!failed()) bad_field_ = where();
}

void Decoder::refuse(std::string_view name) {
  if (failed()) return;
  std::string path = where();
  if (!path.empty()) path += '.';
  bad_field_ = path.append(name);
}

bool Decoder::parse(const Json& field, std::string& out, std::size_t limit) {
  const auto* text = field.get_ptr<const std::string*>();
  if (text == nullptr || text->size() >= limit || text->find('\0') != std::string::npos) return false;
  out = *text;
  return true;
}

bool Decoder::parse_bytes(const Json& field, std::string& out) {
  if (field.is_null()) return true;
  const auto* text = field.get_ptr<const std::string*>();
  auto decoded = text != nullptr ? decode_base64(*text) : std::nullopt;
  if (decoded) out = std::move(*decoded);
  return decoded.has_value();
}

void Decoder::text(const char* name, std::string& out, std::size_t limit) {
  const Json* field = member(name);
  if (field != nullptr && !parse(*field, out, limit)) refuse(name);
}

void Decoder::bytes(const char* name, std::string& out) {
  const Json* field = member(name);
  if (field != nullptr && !parse_bytes(*field, out)) refuse(name);
}

void Decoder::boolean(const char* name, bool& out) {
  const Json* field = member(name);
  if (field == nullptr) return;
  if (!field->is_boolean()) return refuse(name);
  out = field->get<bool>();
}

void Decoder::optional_boolean(const char* name, bool& out) {
  if (!failed() && value_.contains(name)) boolean(name, out);
}

void Decoder::word(const char* name, bool& out, const char* first, const char* second) {
  const Json* field = member(name);
  if (field == nullptr) return;
  out = *field == second;
  if (!out && *field != first) refuse(name);
}

void Decoder::null() {
  if (!value_.is_null()) refuse();
}

void Decoder::string(std::string& out) {
  if (!parse(value_, out, std::string::npos)) refuse();
}

void Decoder::base64(std::string& out) {
  if (!parse_bytes(value_, out)) refuse();
}

}  // namespace nsenterd::wire
