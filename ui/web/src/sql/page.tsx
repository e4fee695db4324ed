export default function Page(_: { readonly id?: string }) {
  return <h1>later</h1>
}
