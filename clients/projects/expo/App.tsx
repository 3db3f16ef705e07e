import { useState } from "react";
import { Button, Text, View } from "react-native";
import { signIn, signOut } from "./broker";

export default function App() {
  const [said, say] = useState("Nobody is signed in.");
  const start = async () => say((await signIn()) ? "Signed in." : "You closed the browser.");
  const end = async () => signOut().then(() => say("Signed out."));
  const fail = (error: Error) => say(error.message);
  return (
    <View style={{ flex: 1, justifyContent: "center", padding: 24, gap: 12 }}>
      <Text>{said}</Text>
      <Button title="Sign in" onPress={() => start().catch(fail)} />
      <Button title="Sign out" onPress={() => end().catch(fail)} />
    </View>
  );
}
