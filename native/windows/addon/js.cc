#include "js.h"

namespace castellan {

// An answer of Node-API is looked at only where the value comes from a caller: none of the others can fail
// but for memory, and then the value is missing and the answer undefined.
napi_value Js::Undefined() const {
  napi_value value = nullptr;
  napi_get_undefined(env_, &value);
  return value;
}

napi_value Js::Null() const {
  napi_value value = nullptr;
  napi_get_null(env_, &value);
  return value;
}

napi_value Js::String(const wchar_t* text) const {
  napi_value value = nullptr;
  napi_create_string_utf16(env_, reinterpret_cast<const char16_t*>(text), LengthOf(text), &value);
  return value;
}

napi_value Js::Number(double number) const {
  napi_value value = nullptr;
  napi_create_double(env_, number, &value);
  return value;
}

napi_value Js::Bool(bool given) const {
  napi_value value = nullptr;
  napi_get_boolean(env_, given, &value);
  return value;
}

napi_value Js::Object() const {
  napi_value value = nullptr;
  napi_create_object(env_, &value);
  return value;
}

napi_value Js::Array() const {
  napi_value value = nullptr;
  napi_create_array(env_, &value);
  return value;
}

napi_value Js::Copy(const void* bytes, size_t size) const {
  napi_value value = nullptr;
  void* copy = nullptr;
  napi_create_buffer_copy(env_, size, bytes, &copy, &value);
  return value;
}

napi_value Js::Failure(const Outcome& outcome) const {
  const napi_value failure = Object();
  Set(failure, "call", String(outcome.call));
  Set(failure, "win32", Number(outcome.win32));
  const napi_value answer = Object();
  Set(answer, "failure", failure);
  return answer;
}

void Js::Set(napi_value object, const char* name, napi_value value) const {
  napi_set_named_property(env_, object, name, value);
}

void Js::SetAt(napi_value array, size_t index, napi_value value) const {
  napi_set_element(env_, array, static_cast<uint32_t>(index), value);
}

Text Js::TextOf(napi_value value) const {
  Text text;
  size_t length = 0;
  if (napi_get_value_string_utf16(env_, value, nullptr, 0, &length) != napi_ok) return text;
  text.Resize(length + 1);
  napi_get_value_string_utf16(env_, value, reinterpret_cast<char16_t*>(text.data()), length + 1, &length);
  text.Resize(length);
  return text;
}

double Js::NumberOf(napi_value value) const {
  double number = 0;
  return napi_get_value_double(env_, value, &number) == napi_ok ? number : 0;
}

bool Js::BoolOf(napi_value value) const {
  bool given = false;
  return napi_get_value_bool(env_, value, &given) == napi_ok && given;
}

Bytes Js::BytesOf(napi_value value) const {
  Bytes bytes;
  bool is_array = false;
  if (napi_is_typedarray(env_, value, &is_array) != napi_ok || !is_array) return bytes;
  napi_typedarray_type type;
  size_t length = 0;
  void* data = nullptr;
  const napi_status status = napi_get_typedarray_info(env_, value, &type, &length, &data, nullptr, nullptr);
  if (status == napi_ok && type == napi_uint8_array)
    bytes.Append(static_cast<const unsigned char*>(data), length);
  return bytes;
}

napi_value Js::Member(napi_value object, const char* name) const {
  napi_value value = nullptr;
  return napi_get_named_property(env_, object, name, &value) == napi_ok ? value : Undefined();
}

Arguments::Arguments(napi_env env, napi_callback_info info) {
  size_t count = sizeof(values) / sizeof(values[0]);
  napi_get_cb_info(env, info, &count, values, nullptr, nullptr);
}

namespace {

void Work(napi_env, void* data) {
  auto* task = static_cast<Task*>(data);
  task->work(task);
}

void End(napi_env env, napi_status, void* data) {
  auto* task = static_cast<Task*>(data);
  napi_handle_scope scope = nullptr;
  napi_open_handle_scope(env, &scope);
  const napi_value answer = task->answer(Js(env), task);
  napi_resolve_deferred(env, task->promise, answer);
  napi_delete_async_work(env, task->handle);
  napi_close_handle_scope(env, scope);
  Release(task);
}

}  // namespace

napi_value Begin(Js js, Task* task) {
  napi_value promise = nullptr;
  napi_create_promise(js.env(), &task->promise, &promise);
  napi_create_async_work(js.env(), nullptr, js.String(L"castellan"), Work, End, task, &task->handle);
  napi_queue_async_work(js.env(), task->handle);
  return promise;
}

}  // namespace castellan
