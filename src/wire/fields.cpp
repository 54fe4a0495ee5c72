#include "wire/fields.hpp"

#include <climits>

#include "wire/base64.hpp"

namespace nsenterd::wire {

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

void Decoder::text(const char* name, std::string& out) {
  const Json* field = member(name);
  if (field == nullptr) return;
  const auto* string = field->get_ptr<const std::string*>();
  if (string == nullptr || string->find('\0') != std::string::npos) return refuse(name);
  out = *string;
}

void Decoder::path(const char* name, std::string& out) {
  text(name, out);
  if (!failed() && out.size() >= PATH_MAX) refuse(name);
}

void Decoder::bytes(const char* name, std::string& out) {
  const Json* field = member(name);
  if (field == nullptr || field->is_null()) return;
  const auto* text = field->get_ptr<const std::string*>();
  if (text == nullptr) return refuse(name);
  auto decoded = decode_base64(*text);
  if (!decoded) return refuse(name);
  out = std::move(*decoded);
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

void Encoder::bytes(const char* name, const std::string& in) {
  value[name] = encode_base64(in);
}

}  // namespace nsenterd::wire
