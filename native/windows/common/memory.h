// Growing lists and texts on the process heap. The helper and the addon have no C or C++ runtime: the helper
// is then small, starts at once and runs nothing that is not ours before its first check, and the addon can
// be built in seconds and depends on no runtime's version. When there is no memory left the process ends, and
// with it what it has started.
#ifndef CASTELLAN_WINDOWS_MEMORY_H_
#define CASTELLAN_WINDOWS_MEMORY_H_

#include <windows.h>

namespace castellan {

void* Allocate(size_t size);
void* Reallocate(void* memory, size_t size);
void Release(void* memory);

// Of elements that may be copied as bytes.
template <typename Element>
class List {
 public:
  List() = default;
  List(const List&) = delete;
  List& operator=(const List&) = delete;
  List(List&& other) { Swap(other); }
  List& operator=(List&& other) {
    Swap(other);
    return *this;
  }
  ~List() { Release(elements_); }

  size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Element* data() { return elements_; }
  const Element* data() const { return elements_; }
  Element& operator[](size_t index) { return elements_[index]; }
  const Element& operator[](size_t index) const { return elements_[index]; }
  Element* begin() { return elements_; }
  Element* end() { return elements_ + size_; }
  const Element* begin() const { return elements_; }
  const Element* end() const { return elements_ + size_; }

  void Add(Element element) {
    Reserve(size_ + 1);
    elements_[size_++] = element;
  }

  void Append(const Element* elements, size_t count) {
    if (count == 0) return;
    Reserve(size_ + count);
    CopyMemory(elements_ + size_, elements, count * sizeof(Element));
    size_ += count;
  }

  // New elements are zero.
  void Resize(size_t size) {
    Reserve(size);
    if (size > size_) ZeroMemory(elements_ + size_, (size - size_) * sizeof(Element));
    size_ = size;
  }

  void RemoveFirst(size_t count) {
    MoveMemory(elements_, elements_ + count, (size_ - count) * sizeof(Element));
    size_ -= count;
  }

 private:
  void Reserve(size_t wanted) {
    if (wanted <= room_) return;
    room_ = wanted < 16 ? 16 : wanted + wanted / 2;
    elements_ = static_cast<Element*>(Reallocate(elements_, room_ * sizeof(Element)));
  }

  void Swap(List& other) {
    Element* elements = elements_;
    const size_t size = size_;
    const size_t room = room_;
    elements_ = other.elements_;
    size_ = other.size_;
    room_ = other.room_;
    other.elements_ = elements;
    other.size_ = size;
    other.room_ = room;
  }

  Element* elements_ = nullptr;
  size_t size_ = 0;
  size_t room_ = 0;
};

using Bytes = List<unsigned char>;

// UTF-16. `z()` ends with a NUL that does not count.
class Text : public List<wchar_t> {
 public:
  Text() = default;
  explicit Text(const wchar_t* text) { Put(text); }
  Text(Text&&) = default;
  Text& operator=(Text&&) = default;

  void Put(const wchar_t* text);
  void Put(const Text& text) { Append(text.data(), text.size()); }
  void PutNumber(unsigned long long number);
  const wchar_t* z() const;
  wchar_t* z();

  bool Equals(const wchar_t* other) const;
  bool Equals(const Text& other) const;
};

size_t LengthOf(const wchar_t* text);
bool SameText(const wchar_t* left, const wchar_t* right);

}  // namespace castellan

#endif  // CASTELLAN_WINDOWS_MEMORY_H_
